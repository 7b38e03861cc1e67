using System.Globalization;
using System.Text.Json;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// Low-rank adapters without their model, in the layout of the PEFT library: adapter_model.safetensors with <c>base_model.model.MODULE.lora_A.weight</c>
/// [rank, inputs] and <c>lora_B.weight</c> [outputs, rank], where MODULE is the name of the matrix in published checkpoints without <c>.weight</c>, or its
/// path in the source; and adapter_config.json. That another program accepts the folder was not tried.
/// </summary>
public static unsafe class AdapterFolder
{
    private const string TensorFile = "adapter_model.safetensors";
    private const string ConfigFile = "adapter_config.json";

    /// <summary>Writes the adapters of a model; each file is replaced as a whole or not at all.</summary>
    /// <param name="model">A model with adapters.</param>
    /// <param name="folder">The folder; it is made if it is not there.</param>
    /// <param name="baseModel">What the adapters belong to, for the reader of the configuration.</param>
    public static void Save(LanguageModel model, string folder, string? baseModel = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(folder);
        if (model.Info.Adapters is not [var first, ..])
        {
            throw new ArgumentException($"{model.Info.Name} has no adapters.", nameof(model));
        }

        var rank = UsedRank(model);
        var writer = new SafetensorsWriter();
        var pieces = new List<Arena>();
        try
        {
            foreach (var (name, part, compiled) in Parts(model))
            {
                // The first columns of B are no tensor; they are copied to be one.
                var columns = new Arena(part.Outputs * rank * sizeof(float));
                pieces.Add(columns);
                for (long row = 0; row < part.Outputs; row++)
                {
                    new Span<float>(part.B + (row * compiled), rank).CopyTo(new Span<float>((float*)columns.Memory + (row * rank), rank));
                }

                writer.Add(name + ".lora_A.weight", new Tensor(part.A, [rank, part.Inputs]));
                writer.Add(name + ".lora_B.weight", new Tensor((float*)columns.Memory, [part.Outputs, rank]));
            }

            writer.Save(Path.Combine(folder, TensorFile));
        }
        finally
        {
            pieces.ForEach(p => p.Dispose());
        }

        AtomicFile.Write(Path.Combine(folder, ConfigFile), stream => WriteConfig(stream, model, rank, first.Scale * rank, baseModel));
    }

    /// <summary>Reads what <see cref="Save"/> wrote. Nothing is overwritten unless the whole fits.</summary>
    /// <exception cref="SafetensorsException">
    /// A file is missing or damaged, tensors are missing, unexpected or of another shape, or rank or scale are not those of the model.
    /// </exception>
    public static void Load(LanguageModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(folder);
        if (model.Info.Adapters is not [var first, ..])
        {
            throw new ArgumentException($"{model.Info.Name} has no adapters.", nameof(model));
        }

        var path = Path.Combine(folder, ConfigFile);
        using var config = JsonFile.Open(path);
        var (rank, alpha) = (Number(config, path, "r"), Number(config, path, "lora_alpha"));
        if (rank != Math.Floor(rank) || rank < 1 || rank > first.Rank || Math.Abs((alpha / rank) - first.Scale) > 1e-6 * first.Scale)
        {
            throw new SafetensorsException(string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: r is {rank} and lora_alpha {alpha}; {model.Info.Name} is compiled for ranks from 1 to {first.Rank} with lora_alpha / r = {first.Scale}."));
        }

        using var file = SafetensorsFile.Open(Path.Combine(folder, TensorFile));
        Check(file, model, (int)rank);
        foreach (var (name, part, compiled) in Parts(model))
        {
            new Span<float>(part.A, checked((int)(compiled * part.Inputs))).Clear();
            new Span<float>(part.B, checked((int)(part.Outputs * compiled))).Clear();
            file.Read(name + ".lora_A.weight", part.A, (long)rank * part.Inputs);
            using var columns = new Arena(part.Outputs * (long)rank * sizeof(float));
            file.Read(name + ".lora_B.weight", (float*)columns.Memory, part.Outputs * (long)rank);
            for (long row = 0; row < part.Outputs; row++)
            {
                new Span<float>((float*)columns.Memory + (row * (long)rank), (int)rank).CopyTo(new Span<float>(part.B + (row * compiled), (int)rank));
            }
        }
    }

    private static void Check(SafetensorsFile file, LanguageModel model, int rank)
    {
        var problems = new TensorProblems();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, part, _) in Parts(model))
        {
            Find(name + ".lora_A.weight", rank, part.Inputs);
            Find(name + ".lora_B.weight", part.Outputs, rank);
        }

        problems.Unexpected.AddRange(file.Tensors.Keys.Where(n => !known.Contains(n)));
        problems.ThrowIfAny(file.Path, model.Info.Name);

        void Find(string name, long rows, long columns)
        {
            known.Add(name);
            if (!file.Tensors.TryGetValue(name, out var entry))
            {
                problems.Missing.Add(name);
            }
            else if (!entry.Shape.SequenceEqual([rows, columns]) || !SafetensorsFile.IsReadable(entry))
            {
                problems.Mismatched.Add($"{name} is {entry.Type} [{string.Join(", ", entry.Shape)}] instead of F32 [{rows}, {columns}]");
            }
        }
    }

    /// <summary>The rank beyond which rows of A and columns of B are all zero.</summary>
    private static int UsedRank(LanguageModel model)
    {
        var used = 1;
        foreach (var (_, part, compiled) in Parts(model))
        {
            for (var r = compiled - 1; r >= used; r--)
            {
                if (new ReadOnlySpan<float>(part.A + (r * part.Inputs), checked((int)part.Inputs)).ContainsAnyExcept(0))
                {
                    used = r + 1;
                }
            }
        }

        return used;
    }

    private static IEnumerable<(string Name, LanguageModel.AdapterPart Part, int Rank)> Parts(LanguageModel model)
    {
        var map = model.Checkpoints.Count > 0 ? model.Checkpoints[0] : null;
        foreach (var adapter in model.Info.Adapters)
        {
            var matrix = model.Info.Parameters[adapter.Matrix];
            var parts = model.PartsOf(adapter);
            var slices = parts.Count / matrix.Instances;
            var pattern = map?.Tensors.FirstOrDefault(t => t.Parameter == adapter.Matrix);
            for (var i = 0; i < parts.Count; i++)
            {
                var (instance, slice) = (i / slices, i % slices);
                var name = pattern?.Name(matrix.FirstIndex + instance, slice) ?? matrix.InstancePath(instance);
                name = name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
                var expert = slices > 1 && pattern is not { IsSliced: true } ? "." + slice.ToString(CultureInfo.InvariantCulture) : "";
                yield return ("base_model.model." + name + expert, parts[i], adapter.Rank);
            }
        }
    }

    private static double Number(JsonDocument config, string path, string key) =>
        config.RootElement.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number
            ? value.GetDouble()
            : throw new SafetensorsException($"{path}: \"{key}\" must be there and a number.");

    private static void WriteConfig(Stream stream, LanguageModel model, int rank, double alpha, string? baseModel)
    {
        using var json = new Utf8JsonWriter(stream, new() { Indented = true });
        json.WriteStartObject();
        json.WriteString("peft_type", "LORA");
        json.WriteString("task_type", "CAUSAL_LM");
        json.WriteString("base_model_name_or_path", baseModel ?? model.Info.Name);
        json.WriteNumber("r", rank);
        json.WriteNumber("lora_alpha", alpha);
        json.WriteNumber("lora_dropout", 0);
        json.WriteString("bias", "none");
        json.WriteBoolean("fan_in_fan_out", false);
        json.WriteStartArray("target_modules");
        foreach (var module in Parts(model).Select(p => p.Name[(p.Name.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal))
        {
            json.WriteStringValue(module);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
