using System.Text;
using System.Text.Json.Nodes;

namespace Mdl.EndToEnd.Tests;

/// <summary>Changes folders that were saved from the fixture.</summary>
internal static class FixtureFolder
{
    /// <summary>The header of a safetensors file.</summary>
    public static JsonObject Header(string path)
    {
        var bytes = File.ReadAllBytes(path);
        return JsonNode.Parse(bytes.AsSpan(8, (int)BitConverter.ToInt64(bytes)))!.AsObject();
    }

    /// <summary>Leaves out the layer behind the last, as the chat releases do.</summary>
    public static void RemoveMtp(string folder)
    {
        var path = Path.Combine(folder, "model.safetensors");
        var bytes = File.ReadAllBytes(path);
        var start = 8 + (int)BitConverter.ToInt64(bytes);
        var header = new JsonObject();
        var body = new MemoryStream();
        foreach (var (name, tensor) in Header(path).Where(t => t.Key != "__metadata__" && !t.Key.StartsWith("model.layers.3.", StringComparison.Ordinal)).OrderBy(t => (int)t.Value!["data_offsets"]![0]!))
        {
            var (begin, end) = ((int)tensor!["data_offsets"]![0]!, (int)tensor["data_offsets"]![1]!);
            header[name] = new JsonObject
            {
                ["dtype"] = tensor["dtype"]!.DeepClone(),
                ["shape"] = tensor["shape"]!.DeepClone(),
                ["data_offsets"] = new JsonArray(body.Length, body.Length + end - begin),
            };
            body.Write(bytes, start + begin, end - begin);
        }

        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, .. body.ToArray()]);

        path = Path.Combine(folder, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["num_nextn_predict_layers"] = 0;
        File.WriteAllText(path, config.ToJsonString());
    }
}
