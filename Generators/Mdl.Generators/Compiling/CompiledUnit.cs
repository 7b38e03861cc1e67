using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Reporting;

namespace Mdl.Generators.Compiling;

/// <summary>The entry of the compiler, as <see cref="MdlCompiler.Compile"/>.</summary>
internal delegate CompileResult Compile(SourceText source, Func<string, SourceText?> import, CompileOptions options, CancellationToken cancellation);

/// <summary>A file to add to the compilation.</summary>
internal sealed record GeneratedSource(string HintName, string Text);

/// <summary>What a unit compiles to.</summary>
internal sealed record CompiledUnit(string Path, EquatableArray<GeneratedSource> Sources, EquatableArray<LocatedDiagnostic> Diagnostics);
