using System.Text.Json;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Ling.Chat;

/// <summary>The one place that names the generated classes.</summary>
public static class ModelFactory
{
    private static readonly (string Name, int Hidden, int Layers, double Eps, bool IsStretched, Func<string, Device, WeightFormat?, LanguageModel> Load)[] Published =
    [
        ("Nano", 256, 4, 1e-6, false, (folder, device, weights) => LingNano.Load(folder, device, weights)),
        ("Mini", 2048, 20, 1e-6, false, (folder, device, weights) => LingMini.Load(folder, device, weights)),
        ("MiniLong", 2048, 20, 1e-6, true, (folder, device, weights) => LingMiniLong.Load(folder, device, weights)),
        ("Flash", 4096, 32, 1e-6, false, (folder, device, weights) => LingFlash.Load(folder, device, weights)),
        ("1T", 8192, 80, 1e-6, false, (folder, device, weights) => Ling1T.Load(folder, device, weights)),
        ("Mini4", 2048, 4, 1e-6, false, (folder, device, weights) => LingMini4.Load(folder, device, weights)),
        ("Tiny", 64, 3, 1e-6, false, (folder, device, weights) => LingTiny.Load(folder, device, weights)),
        ("Lite", 2048, 28, 1e-6, false, (folder, device, weights) => LingLite.Load(folder, device, weights)),
        ("LiteBase", 2048, 28, 1e-5, false, (folder, device, weights) => LingLiteBase.Load(folder, device, weights)),
    ];

    public static LanguageModel Create(string name, Device device, ulong seed, WeightFormat weights) =>
        name == "mini4" ? LingMini4.Create(device, seed, weights) : LingTiny.Create(device, seed, weights);

    /// <summary>The preset that a file of weights names, or whose size config.json tells; loading checks all the rest.</summary>
    public static LanguageModel Load(string path, Device device, WeightFormat? weights)
    {
        if (Directory.Exists(path))
        {
            return LoadFolder(path, device, weights ?? WeightFormat.BFloat16);
        }

        var name = Checkpoint.ModelOf(path);
        foreach (var preset in Published)
        {
            if (name == "Ling" + preset.Name)
            {
                return preset.Load(path, device, weights);
            }
        }

        throw new UsageException($"{path}: no preset is called {name ?? "as the file does not tell"}; there are {string.Join(", ", Published.Select(p => "Ling" + p.Name))}.");
    }

    private static LanguageModel LoadFolder(string folder, Device device, WeightFormat weights)
    {
        var path = Path.Combine(folder, "config.json");
        try
        {
            using var config = JsonDocument.Parse(File.ReadAllBytes(path));
            var (hidden, layers) = (Size(config, "hidden_size"), Size(config, "num_hidden_layers"));
            var eps = config.RootElement.TryGetProperty("rms_norm_eps", out var given) && given.ValueKind == JsonValueKind.Number ? given.GetDouble() : 0;
            var isStretched = config.RootElement.TryGetProperty("rope_scaling", out var scaling) && scaling.ValueKind == JsonValueKind.Object;
            foreach (var preset in Published.OrderBy(p => p.IsStretched != isStretched))
            {
                if (preset.Hidden == hidden && preset.Layers == layers && (eps == preset.Eps || !Published.Any(p => p.Layers == layers && p.Hidden == hidden && p.Eps == eps)))
                {
                    return preset.Load(folder, device, weights);
                }
            }

            throw new UsageException($"{path}: no preset has hidden_size {hidden} and num_hidden_layers {layers}; there are "
                + $"{string.Join(", ", Published.Select(p => $"{p.Name} ({p.Hidden}, {p.Layers})"))}.");
        }
        catch (JsonException exception)
        {
            throw new UsageException($"{path}: not JSON: {exception.Message}");
        }

        int Size(JsonDocument config, string key) =>
            config.RootElement.ValueKind == JsonValueKind.Object && config.RootElement.TryGetProperty(key, out var value)
                && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
                ? number
                : throw new UsageException($"{path}: it must give {key} as a whole number.");
    }
}
