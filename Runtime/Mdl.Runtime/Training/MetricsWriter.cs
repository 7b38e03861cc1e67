using System.Buffers;
using System.Text.Json;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Training;

/// <summary>
/// Writes a file of JSON lines, one object a step: <c>step</c>, <c>loss</c>, <c>nll</c>, <c>mtp</c>, <c>aux</c>, <c>gradient_norm</c>, <c>learning_rate</c>,
/// <c>tokens_per_second</c>, <c>held_out</c> where it was measured, and <c>loads</c>: for each moe, a row of expert loads a layer. Each line is flushed
/// as it is written, so that a killed run leaves whole lines.
/// </summary>
public sealed class MetricsWriter : IDisposable
{
    private readonly FileStream _stream;
    private readonly IReadOnlyList<MetricInfo> _loads;
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json;

    /// <summary>Opens the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="info">Names the loads.</param>
    /// <param name="resumeAfter">
    /// 0 starts anew. Otherwise lines of steps up to this one stay and later ones go: they came after the checkpoint that is resumed from.
    /// </param>
    public MetricsWriter(string path, ModelInfo info, long resumeAfter)
    {
        ArgumentNullException.ThrowIfNull(info);
        _loads = [.. info.Metrics.Where(m => m.IsLoad)];
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        if (resumeAfter > 0 && File.Exists(path))
        {
            KeepUntil(path, resumeAfter);
        }

        var mode = resumeAfter > 0 ? FileMode.Append : FileMode.Create;
        _stream = new FileStream(path, mode, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _json = new Utf8JsonWriter(_buffer);
    }

    /// <summary>Writes the line of a step.</summary>
    /// <param name="result">What the step did.</param>
    /// <param name="metrics">The trainer's metrics after the step, for the loads.</param>
    /// <param name="tokensPerSecond">The speed.</param>
    /// <param name="heldOut">The held-out loss, if it was measured after this step.</param>
    public void Write(in StepResult result, ReadOnlySpan<float> metrics, double tokensPerSecond, double? heldOut = null)
    {
        _buffer.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteNumber("step"u8, result.Step);
        _json.WriteNumber("loss"u8, (float)result.Loss);
        _json.WriteNumber("nll"u8, (float)result.Nll);
        _json.WriteNumber("mtp"u8, (float)result.MtpNll);
        _json.WriteNumber("aux"u8, (float)result.Aux);
        _json.WriteNumber("gradient_norm"u8, (float)result.GradientNorm);
        _json.WriteNumber("learning_rate"u8, (float)result.LearningRate);
        _json.WriteNumber("tokens_per_second"u8, Math.Round(tokensPerSecond, 1));
        if (heldOut is { } loss && double.IsFinite(loss))
        {
            _json.WriteNumber("held_out"u8, (float)loss);
        }

        WriteLoads(metrics);
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
        _stream.Write(_buffer.WrittenSpan);
        _stream.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _json.Dispose();
        _stream.Dispose();
    }

    private void WriteLoads(ReadOnlySpan<float> metrics)
    {
        _json.WriteStartObject("loads"u8);
        for (var i = 0; i < _loads.Count; i++)
        {
            var load = _loads[i];
            _json.WriteStartArray(load.Name);
            for (var row = 0; row < load.Rows; row++)
            {
                _json.WriteStartArray();
                foreach (var value in metrics.Slice(load.Offset + (row * load.Columns), load.Columns))
                {
                    _json.WriteNumberValue(value);
                }

                _json.WriteEndArray();
            }

            _json.WriteEndArray();
        }

        _json.WriteEndObject();
    }

    private static void KeepUntil(string path, long step)
    {
        var kept = File.ReadLines(path).Where(line => StepOf(line) <= step).ToList();
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            foreach (var line in kept)
            {
                writer.WriteLine(line);
            }
        });
    }

    // A line that was cut short belongs to no step.
    private static long StepOf(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("step", out var step) && step.TryGetInt64(out var value) ? value : long.MaxValue;
        }
        catch (JsonException)
        {
            return long.MaxValue;
        }
    }
}
