using Mdl.Dsl;

namespace Mdl.Compiler;

/// <summary>One C# file. Names are unique within the result of one <c>.mdl</c> file, whatever their case.</summary>
/// <param name="Name">A file name such as <c>LingNano.g.cs</c>.</param>
/// <param name="Text">The text; lines end in '\n'.</param>
public sealed record GeneratedFile(string Name, string Text);

/// <summary>What one <c>.mdl</c> file compiles to.</summary>
/// <param name="Files">The C# files in a fixed order.</param>
/// <param name="Diagnostics">Everything there is to tell the author, in this file or in one that it imports.</param>
public sealed record CompileResult(EquatableArray<GeneratedFile> Files, EquatableArray<Diagnostic> Diagnostics);
