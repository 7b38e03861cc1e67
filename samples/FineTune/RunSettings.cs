using System.Globalization;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Ling.FineTune;

/// <summary>What decides a run's bits. It is stored in the checkpoint, so that resuming needs no option but <c>--resume</c> and <c>--out</c>.</summary>
public sealed record RunSettings(string? Model, string? Random, string Data, int Lora, WeightFormat Weights, double? Rate, long Steps, int Batch, int Length, ulong Seed)
{
    private const int DefaultSteps = 200;
    private const int DefaultBatch = 4;
    private const int DefaultLength = 256;

    /// <summary>The options, completed from the checkpoint that is resumed from, or the defaults.</summary>
    /// <exception cref="UsageException">There is no checkpoint, or it is of a run with other weights.</exception>
    public static RunSettings Of(FineTuneOptions options)
    {
        var stored = Stored(options);
        string? Text(string key) => stored.TryGetValue(key, out var text) && text.Length > 0 ? text : null;
        long? Whole(string key) => long.TryParse(Text(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
        double? Real(string key) => double.TryParse(Text(key), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
        var given = options.Model is not null || options.Random is not null;
        var lora = options.Lora ?? (int)(Whole("lora") ?? 0);
        if (options.Resume && (lora != Whole("lora") || (options.Random ?? Text("random")) != Text("random")))
        {
            throw new UsageException($"{options.CheckpointPath}: the run has {(Whole("lora") is > 0 and var rank ? $"adapters of rank {rank}" : "no adapters")}"
                + $"{(Text("random") is { } kind ? $" and the weights of --random {kind}" : "")}; it cannot go on with others.");
        }

        if (options.Resume && options.Weights != WeightFormat.Single && lora == 0)
        {
            throw new UsageException("--weights other than f32 needs --lora: only frozen matrices can be held in a short format.");
        }

        return new(
            given ? options.Model : Text("base"),
            given ? options.Random : Text("random"),
            options.Data ?? Text("data") ?? throw new UsageException("say --data FILE: chat messages (.jsonl) or plain text."),
            lora,
            options.Weights != WeightFormat.Single ? options.Weights : (WeightFormat)(Whole("weights") ?? 0),
            options.Rate ?? Real("rate"),
            options.Steps ?? Whole("steps") ?? DefaultSteps,
            options.Batch ?? (int)(Whole("batch") ?? DefaultBatch),
            options.Length ?? (int)(Whole("length") ?? DefaultLength),
            options.Seed ?? (ulong)(Whole("seed") ?? 0));
    }

    public Dictionary<string, string> ToMetadata() => new()
    {
        ["base"] = Model is null ? "" : Path.GetFullPath(Model),
        ["random"] = Random ?? "",
        ["data"] = Path.GetFullPath(Data),
        ["lora"] = Lora.ToString(CultureInfo.InvariantCulture),
        ["weights"] = ((int)Weights).ToString(CultureInfo.InvariantCulture),
        ["rate"] = Rate?.ToString("R", CultureInfo.InvariantCulture) ?? "",
        ["steps"] = Steps.ToString(CultureInfo.InvariantCulture),
        ["batch"] = Batch.ToString(CultureInfo.InvariantCulture),
        ["length"] = Length.ToString(CultureInfo.InvariantCulture),
        ["seed"] = ((long)Seed).ToString(CultureInfo.InvariantCulture),
    };

    public TrainingOptions ToTraining(ModelInfo info) => new()
    {
        Batch = Batch,
        Length = Length,
        Steps = Steps,
        Settings = info.Train with
        {
            LearningRate = Rate ?? info.Train.LearningRate,
            // A warm-up made for a long run would leave a short one nothing but warm-up.
            Warmup = (int)Math.Min(info.Train.Warmup, Steps / 10),
        },
    };

    private static IReadOnlyDictionary<string, string> Stored(FineTuneOptions options)
    {
        if (!options.Resume)
        {
            return new Dictionary<string, string>();
        }

        if (!File.Exists(options.CheckpointPath))
        {
            throw new UsageException($"{options.CheckpointPath}: there is no checkpoint to resume from.");
        }

        using var file = SafetensorsFile.Open(options.CheckpointPath);
        return file.Metadata.ContainsKey("lora") ? file.Metadata : throw new UsageException($"{options.CheckpointPath}: it is not a checkpoint of this program.");
    }
}
