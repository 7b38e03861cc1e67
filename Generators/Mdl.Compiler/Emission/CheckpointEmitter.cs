using System.Globalization;
using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Writes how many parameters a model has and where published checkpoints keep them: data only, one line for a parameter.</summary>
internal static class CheckpointEmitter
{
    public static void Counts(CodeWriter code, WeightLayout layout)
    {
        var trainable = layout.Parameters.Where(p => !p.IsState && p.Adapter == AdapterPart.None).ToArray();
        code.Line("/// <summary>Number of trainable values, without those of multi-token prediction.</summary>");
        code.Line($"public const long ParameterCount = {Sum(trainable.Where(p => !IsMtp(p)))}L;");
        code.Line();
        code.Line("/// <summary>Number of trainable values of multi-token prediction.</summary>");
        code.Line($"public const long MtpParameterCount = {Sum(trainable.Where(IsMtp))}L;");
    }

    public static void Maps(CodeWriter code, BoundModel model, WeightLayout layout)
    {
        if (model.Checkpoints.Count == 0)
        {
            return;
        }

        var places = layout.Parameters.Select((p, i) => (p.Key, i)).ToDictionary(p => p.Key, p => p.i, StringComparer.Ordinal);
        code.Line("/// <summary>Where published checkpoints keep the parameters.</summary>");
        code.Line("public static IReadOnlyList<Mdl.Runtime.Checkpoints.CheckpointMap> CheckpointMaps { get; } =");
        code.Line("[");
        foreach (var checkpoint in model.Checkpoints)
        {
            code.Line($"    new({ModelEmitter.Quoted(checkpoint.Name)},");
            code.Line("    [");
            foreach (var tensor in checkpoint.Tensors)
            {
                code.Line($"        new({places[tensor.ParameterKey].ToString(CultureInfo.InvariantCulture)}, {ModelEmitter.Quoted(tensor.Pattern)}),");
            }

            code.Line("    ],");
            code.Line("    [");
            foreach (var config in checkpoint.Config)
            {
                var keys = string.Join(", ", config.Keys.Select(k => $"new({ModelEmitter.Quoted(k.Key)}, {ModelEmitter.Quoted(k.Json)})"));
                code.Line($"        new([{keys}], Mdl.Runtime.Checkpoints.ConfigPresence.{Presence(config.Presence)}),");
            }

            code.Line("    ]),");
        }

        code.Line("];");
        code.Line();
        code.Line("/// <inheritdoc/>");
        code.Line("public override IReadOnlyList<Mdl.Runtime.Checkpoints.CheckpointMap> Checkpoints => CheckpointMaps;");
        code.Line();
    }

    private static bool IsMtp(BoundParameter parameter) =>
        parameter.Path.StartsWith("mtp.", StringComparison.Ordinal) || parameter.Path.StartsWith("mtp[", StringComparison.Ordinal);

    private static string Sum(IEnumerable<BoundParameter> parameters) => parameters.Sum(p => p.Size).ToString(CultureInfo.InvariantCulture);

    private static string Presence(string word) => word switch
    {
        "optional" => "Optional",
        "written" => "Written",
        "mtp" => "Mtp",
        _ => "Required",
    };
}
