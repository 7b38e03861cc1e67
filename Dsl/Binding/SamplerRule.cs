namespace Mdl.Dsl.Binding;

/// <summary>What a step of a sampler does: a method of the runtime with its order and share of new noise.</summary>
public sealed record SamplerRule(string Method, int Order = 2, double Eta = 0, bool LargeVariance = false)
{
    /// <summary>The samplers that people call by name. The runtime has the same list; a test compares them.</summary>
    public static IReadOnlyDictionary<string, SamplerRule> ByName { get; } = new Dictionary<string, SamplerRule>(StringComparer.Ordinal)
    {
        ["euler"] = new("Euler"),
        ["ddim"] = new("Euler"),
        ["rectified_flow"] = new("Euler"),
        ["ddpm"] = new("Euler", Eta: 1),
        ["ddpm_large"] = new("Euler", Eta: 1, LargeVariance: true),
        ["euler_a"] = new("Euler", Eta: 1),
        ["heun"] = new("Heun"),
        ["dpm2"] = new("Midpoint"),
        ["dpm2_a"] = new("Midpoint", Eta: 1),
        ["dpm++1"] = new("Euler"),
        ["dpm++2s"] = new("Singlestep"),
        ["dpm++2s_a"] = new("Singlestep", Eta: 1),
        ["dpm++2m"] = new("Multistep"),
        ["dpm++2m_sde"] = new("Multistep", Eta: 1),
        ["dpm++3m"] = new("Multistep", 3),
        ["dpm++3m_sde"] = new("Multistep", 3, 1),
        ["dpm++sde"] = new("StochasticSinglestep", Eta: 1),
        ["lms"] = new("LinearMultistep", 4),
        ["deis"] = new("LogMultistep"),
        ["deis3"] = new("LogMultistep", 3),
        ["plms"] = new("Plms"),
        ["pndm"] = new("Pndm"),
        ["unipc"] = new("UniPc"),
        ["unipc3"] = new("UniPc", 3),
        ["dpm_adaptive"] = new("Adaptive", 3),
        ["reverse_sde"] = new("EulerMaruyama"),
        ["lcm"] = new("Renoise"),
        ["flow_stochastic"] = new("Renoise"),
        ["pc"] = new("EulerMaruyama"),
    };

    /// <summary>Whether eta has a meaning.</summary>
    public bool TakesEta => Method is "Euler" or "Midpoint" or "Singlestep" or "Multistep" or "StochasticSinglestep";

    /// <summary>Whether noise may be added between its steps.</summary>
    public bool TakesNoise => Method is not ("UniPc" or "Adaptive");

    /// <summary>Whether the runtime must be told the order.</summary>
    public bool HasOrder => Method is "Multistep" or "LinearMultistep" or "LogMultistep" or "UniPc" or "Adaptive";

    /// <summary>The rule of an order, or null with what is wrong.</summary>
    public static SamplerRule? OfOrder(int order, bool isSinglestep, bool isInSigma, out string problem)
    {
        problem = "";
        switch (order)
        {
            case 1:
                return new("Euler", 1);
            case 2 when isSinglestep:
                return new(isInSigma ? "Heun" : "Singlestep");
            case 2 or 3 when !isSinglestep && !isInSigma:
                return new("Multistep", order);
            case >= 2 and <= 4 when !isSinglestep && isInSigma:
                return new("LinearMultistep", order);
            default:
                problem = isSinglestep ? "singlestep samplers have order 1 or 2"
                    : isInSigma ? "multistep samplers in sigma have an order of 1 to 4" : "multistep samplers in lambda have an order of 1 to 3";
                return null;
        }
    }
}
