using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Writes config.json: what the checkpoint declaration says, and what else the folder says that the model came from.</summary>
internal static class ConfigFile
{
    private static readonly string[] TypeKeys = ["torch_dtype", "dtype"];

    // Text in any script stays readable; nothing here ends up in HTML.
    private static readonly JsonWriterOptions Layout = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The configuration of a checkpoint that is about to be written.</summary>
    /// <param name="map">The declaration.</param>
    /// <param name="hasMtp">Whether the weights of multi-token prediction are written.</param>
    /// <param name="type">The type of the tensors.</param>
    /// <param name="continued">A folder whose config.json is continued if it has one, or null.</param>
    public static JsonObject Create(CheckpointMap map, bool hasMtp, TensorType type, string? continued)
    {
        var config = continued is not null && File.Exists(Path.Combine(continued, "config.json")) ? Read(Path.Combine(continued, "config.json")) : [];
        // The tensors that are written are not quantised, whatever was read.
        config.Remove("quantization_config");
        foreach (var line in map.Config)
        {
            var known = line.Keys.FirstOrDefault(k => Find(config, k.Key) is not null);
            if (line.Presence == ConfigPresence.Mtp)
            {
                Set(config, (known ?? line.Keys[0]).Key, hasMtp ? JsonNode.Parse(line.Keys[0].Json) : 0);
            }
            else if (known is null)
            {
                Set(config, line.Keys[0].Key, JsonNode.Parse(line.Keys[0].Json));
            }
            else if (line.Presence != ConfigPresence.Written)
            {
                Set(config, known.Key, JsonNode.Parse(known.Json));
            }
        }

        var typeKeys = TypeKeys.Where(config.ContainsKey).DefaultIfEmpty(TypeKeys[0]).ToArray();
        foreach (var key in typeKeys)
        {
            config[key] = type switch { TensorType.BFloat16 => "bfloat16", TensorType.Float16 => "float16", _ => "float32" };
        }

        return config;
    }

    /// <summary>Writes a JSON file.</summary>
    public static void Write(string path, JsonObject json) => AtomicFile.Write(path, stream =>
    {
        using var writer = new Utf8JsonWriter(stream, Layout);
        json.WriteTo(writer);
    });

    // A dot in a key leads into an object.
    private static JsonNode? Find(JsonObject config, string key) =>
        key.Split('.').Aggregate((JsonNode?)config, (node, part) => (node as JsonObject)?[part]);

    private static void Set(JsonObject config, string key, JsonNode? value)
    {
        var parts = key.Split('.');
        foreach (var part in parts[..^1])
        {
            if (config[part] is not JsonObject inner)
            {
                config[part] = inner = [];
            }

            config = inner;
        }

        config[parts[^1]] = value;
    }

    private static JsonObject Read(string path)
    {
        using var document = JsonFile.Open(path);
        return JsonObject.Create(document.RootElement.Clone())!;
    }
}
