using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Reporting;

namespace Mdl.Generators.Compiling;

/// <summary>The entry of the compiler, as <see cref="MdlCompiler.Compile"/>.</summary>
internal delegate CompileResult Compile(SourceText source, Func<string, SourceText?> import, CompileOptions options, CancellationToken cancellation);

/// <summary>A file to add to the compilation, with the full name of the class that it is part of, or "".</summary>
internal sealed record GeneratedSource(string HintName, string Text, string ClassName)
{
    /// <summary>See <see cref="GeneratedFile.IsBody"/>.</summary>
    public bool IsBody { get; init; }
}

/// <summary>A generated class: its full name, and what to report at its preset's name if another file makes a class of that name too.</summary>
internal sealed record UnitClass(string Name, LocatedDiagnostic Clash);

/// <summary>What a unit compiles to.</summary>
internal sealed record CompiledUnit(string Path, EquatableArray<GeneratedSource> Sources, EquatableArray<LocatedDiagnostic> Diagnostics)
{
    public EquatableArray<UnitClass> Classes { get; init; } = [];
}
