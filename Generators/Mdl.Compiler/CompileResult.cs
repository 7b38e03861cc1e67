using Mdl.Dsl;

namespace Mdl.Compiler;

/// <summary>One C# file. Names are unique within the result of one <c>.mdl</c> file, whatever their case.</summary>
/// <param name="Name">A file name such as <c>LingNano.g.cs</c>.</param>
/// <param name="Text">The text; lines end in '\n'.</param>
public sealed record GeneratedFile(string Name, string Text)
{
    /// <summary>True for the bodies of programs: what users write compiles without them too.</summary>
    public bool IsBody { get; init; }
}

/// <summary>The class of one preset. All names of its files begin with its name and a dot.</summary>
/// <param name="Namespace">The namespace that it is in.</param>
/// <param name="Name">The class's name.</param>
/// <param name="Span">The preset's name in the <c>.mdl</c> file.</param>
public sealed record GeneratedClass(string Namespace, string Name, Span Span);

/// <summary>What one <c>.mdl</c> file compiles to.</summary>
/// <param name="Files">The C# files in a fixed order.</param>
/// <param name="Diagnostics">Everything there is to tell the author, in this file or in one that it imports.</param>
public sealed record CompileResult(EquatableArray<GeneratedFile> Files, EquatableArray<Diagnostic> Diagnostics)
{
    /// <summary>The classes in the files, in order.</summary>
    public EquatableArray<GeneratedClass> Classes { get; init; } = [];
}
