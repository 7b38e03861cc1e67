using System.Text.Json;
using Mdl.Runtime.Checkpoints;

namespace Mdl.EndToEnd.Tests;

/// <summary>
/// BailingMoe (Ling-lite, Ring-lite) from its published folder, in double precision and without the compiler: loops that follow the published description.
/// </summary>
internal sealed class PublishedBailingMoe : IDisposable
{
    private readonly SafetensorsFile _file;
    private readonly JsonElement _config;
    private readonly int _hidden;
    private readonly double _eps;

    public PublishedBailingMoe(string folder)
    {
        _file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        _config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json"))).RootElement;
        _hidden = Int("hidden_size");
        _eps = _config.GetProperty("rms_norm_eps").GetDouble();
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The logits of every position.</summary>
    public double[][] Logits(int[] tokens)
    {
        var embeddings = Matrix("model.word_embeddings.weight");
        double[][] h = [.. tokens.Select(t => embeddings[t])];
        for (var layer = 0; layer < Int("num_hidden_layers"); layer++)
        {
            var prefix = $"model.layers.{layer}.";
            h = Sum(h, Attention(prefix + "attention.", [.. h.Select(x => Norm(x, prefix + "input_layernorm.weight"))]));
            h = Sum(h, [.. h.Select(x => Mixture(prefix + "mlp.", Norm(x, prefix + "post_attention_layernorm.weight")))]);
        }

        // NormHead divides the weight by its length over the vocabulary.
        var head = Matrix("lm_head.weight");
        for (var column = 0; column < _hidden; column++)
        {
            var length = Math.Sqrt(head.Sum(row => row[column] * row[column])) + 1e-7;
            foreach (var row in head)
            {
                row[column] /= length;
            }
        }

        return [.. h.Select(x => Times(head, Norm(x, "model.norm.weight")))];
    }

    private double[][] Attention(string prefix, double[][] x)
    {
        var (heads, keys) = (Int("num_attention_heads"), Int("num_key_value_heads"));
        var width = _hidden / heads;
        double[][] qkv = [.. x.Select(row => Times(Matrix(prefix + "query_key_value.weight"), row))];
        var output = new double[x.Length][];
        for (var t = 0; t < x.Length; t++)
        {
            var merged = new double[heads * width];
            for (var head = 0; head < heads; head++)
            {
                var q = Turned(qkv[t], head * width, width, t);
                var shared = head / (heads / keys);
                double[] scores = [.. Enumerable.Range(0, t + 1).Select(s => Dot(q, Turned(qkv[s], (heads + shared) * width, width, s)) / Math.Sqrt(width))];
                var weights = Softmax(scores);
                for (var s = 0; s <= t; s++)
                {
                    for (var i = 0; i < width; i++)
                    {
                        merged[(head * width) + i] += weights[s] * qkv[s][((heads + keys + shared) * width) + i];
                    }
                }
            }

            output[t] = Times(Matrix(prefix + "dense.weight"), merged);
        }

        return output;
    }

    // Pairs (j, j + width / 2) of the whole head.
    private double[] Turned(double[] row, int begin, int width, int position)
    {
        var turned = new double[width];
        for (var j = 0; j < width / 2; j++)
        {
            var angle = position * Math.Pow(_config.GetProperty("rope_theta").GetDouble(), -2.0 * j / width);
            var (a, b) = (row[begin + j], row[begin + j + (width / 2)]);
            turned[j] = (a * Math.Cos(angle)) - (b * Math.Sin(angle));
            turned[j + (width / 2)] = (b * Math.Cos(angle)) + (a * Math.Sin(angle));
        }

        return turned;
    }

    private double[] Mixture(string prefix, double[] x)
    {
        var scores = Softmax(Times(Matrix(prefix + "gate.weight"), x));
        int[] chosen = [.. Enumerable.Range(0, scores.Length).OrderByDescending(e => scores[e]).Take(Int("num_experts_per_tok"))];
        var total = chosen.Sum(e => scores[e]);
        var result = Network(prefix + "shared_experts.", x);
        foreach (var expert in chosen)
        {
            var output = Network($"{prefix}experts.{expert}.", x);
            for (var i = 0; i < _hidden; i++)
            {
                result[i] += scores[expert] / total * output[i];
            }
        }

        return result;
    }

    private double[] Network(string prefix, double[] x)
    {
        var (gate, up) = (Times(Matrix(prefix + "gate_proj.weight"), x), Times(Matrix(prefix + "up_proj.weight"), x));
        return Times(Matrix(prefix + "down_proj.weight"), [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    private double[] Norm(double[] x, string name)
    {
        var scale = 1 / Math.Sqrt(x.Average(v => v * v) + _eps);
        return [.. x.Zip(Matrix(name)[0], (v, gain) => v * scale * gain)];
    }

    private static double[] Softmax(double[] x)
    {
        double[] e = [.. x.Select(v => Math.Exp(v - x.Max()))];
        return [.. e.Select(v => v / e.Sum())];
    }

    private static double[] Times(double[][] matrix, double[] x) => [.. matrix.Select(row => Dot(row, x))];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (u, v) => u + v).ToArray())];

    private double[][] Matrix(string name)
    {
        var entry = _file.Tensors[name];
        var values = new float[entry.Size];
        _file.Read(name, values);
        return [.. values.Chunk((int)entry.Shape[^1]).Select(row => row.Select(v => (double)v).ToArray())];
    }

    private int Int(string key) => _config.GetProperty(key).GetInt32();
}
