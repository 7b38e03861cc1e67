using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Writes what only models for fine-tuning have: weights for targets, and which parameters are the low-rank adapters of which.</summary>
internal static class AdapterEmitter
{
    /// <summary>The end of what the runtime knows of a model.</summary>
    public static void End(CodeWriter code, BoundModel model, WeightLayout layout)
    {
        var places = layout.Parameters.Select((p, i) => (Parameter: p, Index: i)).ToArray();
        var factors = places.Where(p => p.Parameter.Adapter == AdapterPart.A).ToArray();
        if (factors.Length == 0 && !model.Settings.IsMasked)
        {
            code.Line("    ]);");
            return;
        }

        code.Line("    ])");
        code.Line("{");
        if (model.Settings.IsMasked)
        {
            code.Line("    IsMasked = true,");
        }

        if (factors.Length > 0)
        {
            Adapters(code, model.Settings.Adapters!, places, factors);
        }

        code.Line("};");
    }

    private static void Adapters(
        CodeWriter code, AdapterSettings settings, (BoundParameter Parameter, int Index)[] places, (BoundParameter Parameter, int Index)[] factors)
    {
        int Index(Func<BoundParameter, bool> wanted) => places.Single(p => wanted(p.Parameter)).Index;
        code.Line("    Adapters =");
        code.Line("    [");
        foreach (var (a, index) in factors)
        {
            var matrix = Index(p => p.Key == a.AdapterOf);
            var b = Index(p => p.Adapter == AdapterPart.B && p.AdapterOf == a.AdapterOf);
            code.Line($"        new({matrix}, {index}, {b}, {settings.Rank}, {ModelEmitter.Text(settings.Scale)}),");
        }

        code.Line("    ],");
    }
}
