using Mdl.Dsl.Binding;

namespace Mdl.Compiler.Emission;

/// <summary>Writes which parameters are the low-rank adapters of which.</summary>
internal static class AdapterEmitter
{
    /// <summary>The end of what the runtime knows of a model: its list of adapters, if it has any.</summary>
    public static void End(CodeWriter code, BoundModel model, WeightLayout layout)
    {
        var places = layout.Parameters.Select((p, i) => (Parameter: p, Index: i)).ToArray();
        var factors = places.Where(p => p.Parameter.Adapter == AdapterPart.A).ToArray();
        if (factors.Length == 0)
        {
            code.Line("    ]);");
            return;
        }

        int Index(Func<BoundParameter, bool> wanted) => places.Single(p => wanted(p.Parameter)).Index;
        code.Line("    ])");
        code.Line("{");
        code.Line("    Adapters =");
        code.Line("    [");
        foreach (var (a, index) in factors)
        {
            var matrix = Index(p => p.Key == a.AdapterOf);
            var b = Index(p => p.Adapter == AdapterPart.B && p.AdapterOf == a.AdapterOf);
            code.Line($"        new({matrix}, {index}, {b}, {model.Settings.Adapters!.Rank}, {ModelEmitter.Text(model.Settings.Adapters.Scale)}),");
        }

        code.Line("    ],");
        code.Line("};");
    }
}
