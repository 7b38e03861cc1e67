using System.Collections.Immutable;
using Mdl.Compiler;
using Mdl.Generators.Compiling;
using Mdl.Generators.Inputs;
using Mdl.Generators.Reporting;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Mdl.Generators;

/// <summary>
/// Reports while a <c>.mdl</c> file is edited: editors run analyzers on every change, but generators only on save or build. It says what the
/// generator would say, and is silent where the generator speaks; see docs/decisions/0001-who-reports-diagnostics.md.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MdlAnalyzer : DiagnosticAnalyzer
{
    private readonly Compile _compile;

    /// <summary>The analyzer that Roslyn creates.</summary>
    public MdlAnalyzer()
        : this(MdlCompiler.Compile)
    {
    }

    internal MdlAnalyzer(Compile compile) => _compile = compile;

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => Descriptors.All;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(start =>
        {
            var global = start.Options.AnalyzerConfigOptionsProvider.GlobalOptions;
            if (!ProjectOptions.IsLive(global) || !ProjectOptions.IsEnabled(global))
            {
                return;
            }

            // One analysis per compilation: a mistake in an imported file may only show in an importer, so each file needs the results of others.
            var project = new LiveProject(_compile, start.Compilation, start.Options);
            start.RegisterAdditionalFileAction(action =>
            {
                if (!MdlFile.IsMdl(action.AdditionalFile.Path))
                {
                    return;
                }

                foreach (var diagnostic in project.Diagnostics(action.AdditionalFile, action.CancellationToken))
                {
                    action.ReportDiagnostic(diagnostic.ToRoslyn());
                }
            });
        });
    }
}
