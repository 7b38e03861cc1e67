using System.Collections.Concurrent;
using System.Collections.Immutable;
using Mdl.Generators.Inputs;
using Mdl.Generators.Project;
using Mdl.Generators.Reporting;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Mdl.Generators.Compiling;

/// <summary>The <c>.mdl</c> files of one compilation as an editor sees them; compiles a file when its diagnostics are first asked for.</summary>
internal sealed class LiveProject(Compile compile, Compilation compilation, AnalyzerOptions analyzer)
{
    private readonly ConcurrentDictionary<string, CompiledUnit> _compiled = new(StringComparer.Ordinal);
    private readonly AnalyzerConfigOptions _global = analyzer.AnalyzerConfigOptionsProvider.GlobalOptions;
    private readonly ImmutableArray<AdditionalText> _texts = [.. analyzer.AdditionalFiles.Where(text => MdlFile.IsMdl(text.Path))];
    private readonly bool _hasIlgpu = compilation.References.Any(ProjectReferences.IsIlgpuRuntime);
    private readonly object _lock = new();
    private ProjectIndex? _index;
    private ImmutableArray<MdlFile> _files;

    /// <summary>The diagnostics that lie in one file, whichever file they were found from.</summary>
    public IReadOnlyList<ReportedDiagnostic> Diagnostics(AdditionalText text, CancellationToken token)
    {
        var place = FilePlace.Read(text, analyzer.AnalyzerConfigOptionsProvider);
        var index = Index(token);
        // All files: any of them may make a class of this one's names.
        var units = _files.Select(file => Compile(file, index, token)).ToList();
        var classes = ClassOwners.Create(units);
        var found = units
            .SelectMany(classes.Diagnostics)
            .Where(diagnostic => diagnostic.Path == place.Path);
        return DiagnosticList.Create(found, [place]);
    }

    private ProjectIndex Index(CancellationToken token)
    {
        lock (_lock)
        {
            if (_index is null)
            {
                _files = [.. _texts.Select(text => MdlFile.Read(text, _global, token)).OrderBy(file => file.Path, StringComparer.Ordinal)];
                _index = ProjectIndex.Create(_files.Select(file => FileHeader.Scan(file, token)));
            }

            return _index;
        }
    }

    private CompiledUnit Compile(MdlFile file, ProjectIndex index, CancellationToken token) => _compiled.GetOrAdd(file.Path, _ =>
    {
        var parse = compilation.SyntaxTrees.FirstOrDefault()?.Options ?? Microsoft.CodeAnalysis.CSharp.CSharpParseOptions.Default;
        var imported = _files.Where(other => index.IsImported(other.Path));
        var unit = CompilationUnit.Create(file, index, Dsl.EquatableArray.ToEquatableArray(imported));
        return UnitCompiler.Run(compile, unit, ProjectOptions.Read(_global, parse), _hasIlgpu, token);
    });
}
