using System.Text.Json;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Ling.FineTune;

/// <summary>The models that can be fine-tuned, with all parameters trained or with adapters.</summary>
public static class ModelFactory
{
    private static readonly (string Name, int Hidden, int Layers)[] Published = [("Tiny", 64, 3), ("Nano", 256, 4), ("Mini", 2048, 20)];

    public static LanguageModel Create(RunSettings settings, Device device)
    {
        var preset = settings.Random is { } random ? random : PresetOf(settings.Model!);
        LanguageModel model = (preset.ToUpperInvariant(), settings.Lora > 0) switch
        {
            ("TINY", false) => new LingFull.LingTiny(device),
            ("TINY", true) => new LingLora.LingTiny(device, settings.Weights),
            ("NANO", false) => new LingFull.LingNano(device),
            ("NANO", true) => new LingLora.LingNano(device, settings.Weights),
            ("MINI4", _) => new LingLora.LingMini4(device, settings.Weights),
            ("MINI", false) => new LingFull.LingMini(device),
            _ => new LingLora.LingMini(device, settings.Weights),
        };
        try
        {
            if (settings.Model is { } path)
            {
                model.LoadWeights(path);
            }
            else
            {
                model.Initialize(settings.Seed);
            }

            if (settings.Lora > 0)
            {
                model.InitializeAdapters(settings.Seed, settings.Lora);
            }

            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The preset of the size that config.json tells; loading checks all the rest. A file alone is one of preset Nano.</summary>
    private static string PresetOf(string model)
    {
        if (File.Exists(model))
        {
            return "Nano";
        }

        var path = Path.Combine(model, "config.json");
        try
        {
            using var config = JsonDocument.Parse(File.ReadAllBytes(path));
            var (hidden, layers) = (Size(config, "hidden_size"), Size(config, "num_hidden_layers"));
            return Published.FirstOrDefault(p => p.Hidden == hidden && p.Layers == layers).Name
                ?? throw new UsageException($"{path}: no preset has hidden_size {hidden} and num_hidden_layers {layers}; there are "
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
