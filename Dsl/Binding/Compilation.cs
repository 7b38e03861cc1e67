using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>The result of binding one file: a model for each of its presets that has no error, and everything there is to tell the author.</summary>
public sealed record Compilation(string Module, EquatableArray<BoundModel> Models, EquatableArray<Diagnostic> Diagnostics)
{
    /// <summary>The diffusions of the file that have no error.</summary>
    public EquatableArray<BoundDiffusion> Diffusions { get; init; } = [];
}
