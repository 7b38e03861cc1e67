using System.Collections.Immutable;
using System.Text;
using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Compiling;
using Mdl.Generators.Inputs;
using Mdl.Generators.Project;
using Mdl.Generators.Reporting;
using Microsoft.CodeAnalysis;

namespace Mdl.Generators;

/// <summary>
/// Compiles the <c>.mdl</c> files of a project to C#. This file is the whole pipeline, step by step; each step is a pure function on values, so
/// that the driver re-runs only what an edit can change.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class MdlGenerator : IIncrementalGenerator
{
    private readonly Compile _compile;

    /// <summary>The generator that Roslyn creates.</summary>
    public MdlGenerator()
        : this(MdlCompiler.Compile)
    {
    }

    internal MdlGenerator(Compile compile) => _compile = compile;

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var options = context.AnalyzerConfigOptionsProvider
            .Combine(context.ParseOptionsProvider)
            .Select(static (pair, _) => ProjectOptions.Read(pair.Left.GlobalOptions, pair.Right))
            .WithTrackingName(TrackingNames.Options);

        // References, not the compilation: a keystroke in a .cs file replaces the compilation but leaves its references as they are.
        var hasIlgpu = context.MetadataReferencesProvider
            .Where(ProjectReferences.IsIlgpuRuntime)
            .Collect()
            .Select(static (found, _) => !found.IsEmpty)
            .WithTrackingName(TrackingNames.References);

        var texts = context.AdditionalTextsProvider
            .Where(static text => MdlFile.IsMdl(text.Path))
            .Combine(context.AnalyzerConfigOptionsProvider);

        var files = texts
            .Where(static pair => ProjectOptions.IsEnabled(pair.Right.GlobalOptions))
            .Select(static (pair, token) => MdlFile.Read(pair.Left, pair.Right.GlobalOptions, token))
            .WithTrackingName(TrackingNames.Files);

        var places = texts
            .Select(static (pair, _) => FilePlace.Read(pair.Left, pair.Right))
            .WithTrackingName(TrackingNames.Places);

        var headers = files
            .Select(static (file, token) => FileHeader.Scan(file, token))
            .WithTrackingName(TrackingNames.Headers);

        var index = headers
            .Collect()
            .Select(static (all, _) => ProjectIndex.Create(all))
            .WithTrackingName(TrackingNames.Index);

        // Only texts that some file imports are shared between files; an edit of any other text reaches no unit but its own.
        var imported = files
            .Combine(index)
            .Where(static pair => pair.Right.IsImported(pair.Left.Path))
            .Select(static (pair, _) => pair.Left)
            .Collect()
            .Select(static (all, _) => all.OrderBy(file => file.Path, StringComparer.Ordinal).ToEquatableArray())
            .WithTrackingName(TrackingNames.Imported);

        var units = files
            .Combine(index.Combine(imported))
            .Select(static (pair, _) => CompilationUnit.Create(pair.Left, pair.Right.Left, pair.Right.Right))
            .WithTrackingName(TrackingNames.Units);

        var compile = _compile;
        var compiled = units
            .Combine(options.Combine(hasIlgpu))
            .Select((pair, token) => UnitCompiler.Run(compile, pair.Left, pair.Right.Left, pair.Right.Right, token))
            .WithTrackingName(TrackingNames.Compiled);

        // Names of classes and paths only: it changes when a preset comes, goes or is renamed.
        var classes = compiled
            .Collect()
            .Select(static (units, _) => ClassOwners.Create(units))
            .WithTrackingName(TrackingNames.Classes);

        // Sources and diagnostics part here: a span that moves re-reports a diagnostic and emits nothing.
        var sources = compiled
            .Combine(classes)
            .SelectMany(static (pair, _) => pair.Right.Sources(pair.Left))
            .WithTrackingName(TrackingNames.Sources);

        var diagnostics = compiled
            .Combine(classes)
            .Select(static (pair, _) => pair.Right.Diagnostics(pair.Left).ToEquatableArray())
            .Collect()
            .Combine(places.Collect())
            .Combine(options)
            .Select(static (input, _) => DiagnosticList.Create(input.Left.Left, input.Left.Right, input.Right))
            .WithTrackingName(TrackingNames.Diagnostics);

        // Bodies of programs change nothing that users see: a host that shows code but does not run it may leave them out.
        context.RegisterSourceOutput(sources.Where(static source => !source.IsBody), Add);
        context.RegisterImplementationSourceOutput(sources.Where(static source => source.IsBody), Add);

        context.RegisterSourceOutput(diagnostics, static (output, list) =>
        {
            foreach (var diagnostic in list)
            {
                output.ReportDiagnostic(diagnostic.ToRoslyn());
            }
        });
    }

    private static void Add(SourceProductionContext output, GeneratedSource source) =>
        output.AddSource(source.HintName, Microsoft.CodeAnalysis.Text.SourceText.From(source.Text, Encoding.UTF8));
}
