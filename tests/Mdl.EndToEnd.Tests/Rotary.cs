using System.Text.Json.Nodes;
using Angles;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>What rotary embedding computes, and a folder with a stretched context, for every device.</summary>
internal static unsafe class Rotary
{
    /// <summary>Compares all angles with what the published formulas give in double precision; their cosines and sines are what the model returns.</summary>
    public static void CheckAngles(string name, Device? device = null)
    {
        using LanguageModel model = name switch { "TurnPlain" => new TurnPlain(device), "TurnFour" => new TurnFour(device), _ => new TurnForty(device) };
        var (frequencies, scale) = name switch
        {
            "TurnPlain" => (Frequencies(64, 600_000, 1, 32_768, 32, 1), 1.0),
            "TurnFour" => (Frequencies(64, 600_000, 4, 32_768, 32, 1), (0.1 * Math.Log(4)) + 1),
            _ => (Frequencies(32, 10_000, 40, 4096, 16, 2), ((0.1 * 0.707 * Math.Log(40)) + 1) / ((0.1 * 0.5 * Math.Log(40)) + 1)),
        };
        var half = frequencies.Length;
        for (var i = 0; i < model.Info.TotalSize; i++)
        {
            model.Weights[i] = i % (2 * half) < half ? 1 : 0;
        }

        using var program = model.CreateInferenceProgram(1, 3, 262_144);
        foreach (var past in new[] { 0, 509, 4094, 32_765, 100_003, 131_071, 262_141 })
        {
            for (var i = 0; i < 3; i++)
            {
                program.Tokens[i] = i;
            }

            program.Run(3, past, lastOnly: false);
            for (var i = 0; i < 3 * half; i++)
            {
                var (row, pair) = (i / half, i % half);
                var angle = (past + row) * frequencies[pair];
                Assert.Equal(scale * Math.Cos(angle), program.Logits[(row * 2 * half) + pair], 4e-6);
                Assert.Equal(scale * Math.Sin(angle), program.Logits[(row * 2 * half) + half + pair], 4e-6);
            }
        }
    }

    // arXiv 2309.00071 as Transformers and llama.cpp compute it.
    private static double[] Frequencies(int dims, double theta, double factor, double original, double fast, double slow)
    {
        var low = Math.Max(0, Math.Floor(Pair(fast)));
        var high = Math.Min(dims - 1, Math.Ceiling(Pair(slow)));
        return [.. Enumerable.Range(0, dims / 2).Select(j =>
        {
            var ramp = Math.Clamp((j - low) / Math.Max(0.001, high - low), 0, 1);
            var plain = Math.Pow(theta, -2.0 * j / dims);
            return (plain * (1 - ramp)) + (plain / factor * ramp);
        })];

        double Pair(double rotations) => dims * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
    }

    /// <summary>Writes the fixture with a config.json that asks for four times the context; one key of it can be another.</summary>
    public static string Stretched(string folder, string key = "type", JsonNode? value = null)
    {
        Directory.CreateDirectory(folder);
        File.Copy(Path.Combine(Oracle.Folder, "model.safetensors"), Path.Combine(folder, "model.safetensors"));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Oracle.Folder, "config.json")))!.AsObject();
        var scaling = new JsonObject { ["type"] = "yarn", ["factor"] = 4.0, ["original_max_position_embeddings"] = 32768 };
        if (key != "type" || value is not null)
        {
            scaling[key] = value;
        }

        config["rope_scaling"] = scaling;
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        return folder;
    }
}
