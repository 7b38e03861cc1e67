using System.Text.Json;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Compares a config.json with what a preset is.</summary>
internal static class ConfigCheck
{
    /// <summary>All differences, each naming the key, what was found and what was expected.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="lines">What is expected.</param>
    /// <param name="hasMtp">Whether the checkpoint has tensors of multi-token prediction.</param>
    public static List<string> Differences(JsonElement config, IReadOnlyList<ConfigLine> lines, out bool hasMtp)
    {
        var differences = new List<string>();
        hasMtp = !lines.Any(l => l.Presence == ConfigPresence.Mtp);
        foreach (var line in lines.Where(l => l.Presence != ConfigPresence.Written))
        {
            var found = line.Keys.FirstOrDefault(k => Find(config, k.Key) is not null);
            if (found is null)
            {
                if (line.Presence == ConfigPresence.Required && line.Keys[0].Json != "null")
                {
                    differences.Add($"{string.Join(" or ", line.Keys.Select(k => k.Key))} is missing, expected {line.Keys[0].Json}");
                }

                continue;
            }

            var value = Find(config, found.Key)!.Value;
            if (line.Presence == ConfigPresence.Mtp && IsZero(value))
            {
                continue;
            }

            using var expected = JsonDocument.Parse(found.Json);
            if (!AreEqual(value, expected.RootElement))
            {
                differences.Add($"{found.Key} is {Shorten(value.GetRawText())}, expected {(found.Json == "null" ? "none" : found.Json)}");
            }
            else if (line.Presence == ConfigPresence.Mtp)
            {
                hasMtp = true;
            }
        }

        return differences;
    }

    // A dot in a key leads into an object; null is as good as missing.
    private static JsonElement? Find(JsonElement config, string key)
    {
        var value = config;
        foreach (var part in key.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(part, out value) || value.ValueKind == JsonValueKind.Null)
            {
                return null;
            }
        }

        return value;
    }

    private static bool IsZero(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number == 0;

    private static bool AreEqual(JsonElement a, JsonElement b) => (a.ValueKind, b.ValueKind) switch
    {
        (JsonValueKind.Number, JsonValueKind.Number) => a.GetDouble().Equals(b.GetDouble()),
        (JsonValueKind.String, JsonValueKind.String) => a.GetString() == b.GetString(),
        (JsonValueKind.Array, JsonValueKind.Array) =>
            a.GetArrayLength() == b.GetArrayLength() && a.EnumerateArray().Zip(b.EnumerateArray()).All(p => AreEqual(p.First, p.Second)),
        var (x, y) => x == y && x is JsonValueKind.True or JsonValueKind.False && x == y,
    };

    private static string Shorten(string text) => text.ReplaceLineEndings(" ") is { Length: > 60 } line ? line[..57] + "..." : text.ReplaceLineEndings(" ");
}
