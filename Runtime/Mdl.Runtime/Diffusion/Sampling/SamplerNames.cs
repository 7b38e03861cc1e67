namespace Mdl.Runtime.Diffusion.Sampling;

/// <summary>The samplers that people call by name.</summary>
public static class SamplerNames
{
    private static readonly Dictionary<string, SamplerOptions> ByName = new(StringComparer.Ordinal)
    {
        ["euler"] = new() { Method = SamplerMethod.Euler },
        ["ddim"] = new() { Method = SamplerMethod.Euler },
        ["rectified_flow"] = new() { Method = SamplerMethod.Euler },
        ["ddpm"] = new() { Method = SamplerMethod.Euler, Eta = 1 },
        ["ddpm_large"] = new() { Method = SamplerMethod.Euler, Eta = 1, LargeVariance = true },
        ["euler_a"] = new() { Method = SamplerMethod.Euler, Eta = 1 },
        ["heun"] = new() { Method = SamplerMethod.Heun },
        ["dpm2"] = new() { Method = SamplerMethod.Midpoint },
        ["dpm2_a"] = new() { Method = SamplerMethod.Midpoint, Eta = 1 },
        ["dpm++1"] = new() { Method = SamplerMethod.Euler },
        ["dpm++2s"] = new() { Method = SamplerMethod.Singlestep },
        ["dpm++2s_a"] = new() { Method = SamplerMethod.Singlestep, Eta = 1 },
        ["dpm++2m"] = new() { Method = SamplerMethod.Multistep },
        ["dpm++2m_sde"] = new() { Method = SamplerMethod.Multistep, Eta = 1 },
        ["dpm++3m"] = new() { Method = SamplerMethod.Multistep, Order = 3 },
        ["dpm++3m_sde"] = new() { Method = SamplerMethod.Multistep, Order = 3, Eta = 1 },
        ["dpm++sde"] = new() { Method = SamplerMethod.StochasticSinglestep, Eta = 1 },
        ["lms"] = new() { Method = SamplerMethod.LinearMultistep, Order = 4 },
        ["deis"] = new() { Method = SamplerMethod.LogMultistep },
        ["deis3"] = new() { Method = SamplerMethod.LogMultistep, Order = 3 },
        ["plms"] = new() { Method = SamplerMethod.Plms },
        ["pndm"] = new() { Method = SamplerMethod.Pndm },
        ["unipc"] = new() { Method = SamplerMethod.UniPc },
        ["unipc3"] = new() { Method = SamplerMethod.UniPc, Order = 3 },
        ["dpm_adaptive"] = new() { Method = SamplerMethod.Adaptive, Order = 3 },
        ["reverse_sde"] = new() { Method = SamplerMethod.EulerMaruyama },
        ["lcm"] = new() { Method = SamplerMethod.Renoise },
        ["flow_stochastic"] = new() { Method = SamplerMethod.Renoise },
        ["pc"] = new() { Method = SamplerMethod.EulerMaruyama, Corrector = new(0.16) },
    };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> All => ByName.Keys;

    /// <summary>The sampler of a name.</summary>
    /// <exception cref="ArgumentException">No sampler has this name.</exception>
    public static SamplerOptions Get(string name) => ByName.TryGetValue(name, out var options)
        ? options
        : throw new ArgumentException($"There is no sampler '{name}'; there are {string.Join(", ", ByName.Keys)}.", nameof(name));
}
