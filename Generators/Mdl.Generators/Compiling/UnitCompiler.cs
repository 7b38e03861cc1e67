using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Inputs;
using Mdl.Generators.Project;
using Mdl.Generators.Reporting;
using Microsoft.CodeAnalysis.CSharp;

namespace Mdl.Generators.Compiling;

/// <summary>Runs the compiler on a unit and turns whatever happens into values.</summary>
internal static class UnitCompiler
{
    public static CompiledUnit Run(Compile compile, CompilationUnit unit, ProjectOptions options, bool hasIlgpu, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        if (unit.File.Text is not { } text)
        {
            return Failed(unit, GeneratorDiagnostics.AtStart(GeneratorDiagnostics.Unreadable, unit.File.Path, unit.File.Path));
        }

        var source = new SourceText(unit.File.Path, text);
        var imports = unit.Imports.Where(file => file.Text is not null).Select(file => new SourceText(file.Path, file.Text!)).ToArray();
        try
        {
            var result = compile(
                source,
                path => Array.Find(imports, file => file.Path == path),
                new CompileOptions(options.RootNamespace, hasIlgpu) { SourceFolder = options.SourceFolder },
                token);
            var diagnostics = DiagnosticPlacement.Place(result.Diagnostics, [source, .. imports]);
            return new(unit.File.Path, Sources(unit, result).Where(s => options.AllowUnsafe || !s.IsBody).ToEquatableArray(), ProjectErrors(unit, result, options).Concat(diagnostics).ToEquatableArray())
            {
                Classes = result.Classes.Map(made => new UnitClass(FullName(made), Clash(made, source))),
            };
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // An exception here would silence the generator for every file of the project, so it costs this file only.
            return Failed(unit, GeneratorDiagnostics.Fault(unit.File.Path, exception));
        }
    }

    private static EquatableArray<GeneratedSource> Sources(CompilationUnit unit, CompileResult result)
    {
        var names = new HintNames();
        return result.Files.Select(file =>
        {
            var name = file.Name.EndsWith(".g.cs", StringComparison.OrdinalIgnoreCase) ? file.Name.Substring(0, file.Name.Length - 5) : file.Name;
            return new GeneratedSource(unit.Stem + "/" + names.Stem(name) + ".g.cs", file.Text, ClassOf(file, result.Classes)) { IsBody = file.IsBody };
        }).ToEquatableArray();
    }

    private static string ClassOf(GeneratedFile file, EquatableArray<GeneratedClass> classes) =>
        classes.FirstOrDefault(made => file.Name.StartsWith(made.Name + ".", StringComparison.Ordinal)) is { } own ? FullName(own) : "";

    private static string FullName(GeneratedClass made) => made.Namespace + "." + made.Name;

    private static LocatedDiagnostic Clash(GeneratedClass made, SourceText source)
    {
        var (line, column) = source.Locate(made.Span.Start);
        var (endLine, endColumn) = source.Locate(made.Span.End);
        return new(
            GeneratorDiagnostics.ClassClash.Id, Severity.Error, "", source.Path, made.Span, new(line, column), new(endLine, endColumn));
    }

    private static IEnumerable<LocatedDiagnostic> ProjectErrors(CompilationUnit unit, CompileResult result, ProjectOptions options)
    {
        if (result.Files.Count > 0 && !options.AllowUnsafe)
        {
            yield return GeneratorDiagnostics.AtStart(GeneratorDiagnostics.Unsafe, unit.File.Path);
        }

        if (result.Files.Count > 0 && options.LanguageVersion < GeneratorDiagnostics.LowestLanguageVersion)
        {
            yield return GeneratorDiagnostics.AtStart(
                GeneratorDiagnostics.Language,
                unit.File.Path,
                GeneratorDiagnostics.LowestLanguageVersion.ToDisplayString(),
                options.LanguageVersion.ToDisplayString());
        }
    }

    private static CompiledUnit Failed(CompilationUnit unit, LocatedDiagnostic diagnostic) => new(unit.File.Path, [], [diagnostic]);
}
