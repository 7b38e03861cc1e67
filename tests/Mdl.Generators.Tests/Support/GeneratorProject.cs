using System.Collections.Immutable;
using Mdl.Generators.Compiling;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Xunit;

namespace Mdl.Generators.Tests.Support;

/// <summary>A C# project in memory as the generator and the analyzer see one. Immutable: each edit is a new project.</summary>
internal sealed record GeneratorProject
{
    public string Root { get; init; } = "/home/someone/project";

    /// <summary>The <c>.mdl</c> files by relative path. A file that is not edited stays the same object to the driver.</summary>
    public ImmutableSortedDictionary<string, AdditionalText> Files { get; init; } =
        ImmutableSortedDictionary.Create<string, AdditionalText>(StringComparer.Ordinal);

    /// <summary>Everything that comes through the options provider. A new object stands for a new provider.</summary>
    public ProjectSettings Settings { get; init; } = new();

    public string CSharp { get; init; } = "namespace Sample; internal static class Program { private static void Main() { } }";

    public LanguageVersion LanguageVersion { get; init; } = LanguageVersion.CSharp13;

    public ImmutableDictionary<string, ReportDiagnostic> DiagnosticOptions { get; init; } = ImmutableDictionary<string, ReportDiagnostic>.Empty;

    /// <summary>Hands the files to the driver in reverse.</summary>
    public bool Reversed { get; init; }

    public ImmutableArray<MetadataReference> References { get; init; } = FrameworkReferences;

    public Compile Compile { get; init; } = Mdl.Compiler.MdlCompiler.Compile;

    public static GeneratorProject With(params (string Path, string Text)[] files) =>
        files.Aggregate(new GeneratorProject(), (project, file) => project.WithFile(file.Path, file.Text));

    public static GeneratorProject With(string root, params (string Path, string Text)[] files) =>
        files.Aggregate(new GeneratorProject { Root = root }, (project, file) => project.WithFile(file.Path, file.Text));

    public GeneratorProject WithFile(string path, string? text) =>
        this with { Files = Files.SetItem(path, new MemoryText(System.IO.Path.GetFullPath(path, Root), text)) };

    public GeneratorProject WithProperty(string name, string value) => WithGlobal("build_property." + name, value);

    public GeneratorProject WithGlobal(string key, string value) =>
        this with { Settings = Settings with { Global = Settings.Global.SetItem(key, value) } };

    /// <summary>Sets a key in a section for one file.</summary>
    public GeneratorProject WithFileOption(string path, string key, string value) =>
        this with { Settings = Settings with { Files = Settings.Files.SetItem(path, new() { [key] = value }) } };

    public ImmutableArray<AdditionalText> Texts() => [.. Reversed ? Files.Values.Reverse() : Files.Values];

    public AnalyzerConfigOptionsProvider Options() =>
        new MemoryOptions(Settings.Global.SetItem("build_property.ProjectDir", Root + "/"), Settings.Files);

    public CSharpParseOptions ParseOptions => new(LanguageVersion, documentationMode: DocumentationMode.Diagnose);

    public CSharpCompilation Compilation() => CSharpCompilation.Create(
        "Sample",
        [CSharpSyntaxTree.ParseText(CSharp, ParseOptions, Root + "/Program.cs")],
        References,
        new(OutputKind.ConsoleApplication,
            allowUnsafe: true,
            nullableContextOptions: NullableContextOptions.Enable,
            specificDiagnosticOptions: DiagnosticOptions));

    /// <summary>Runs the generator; every run is repeated on a clone of the driver, which must find everything in its cache.</summary>
    public GeneratorRun Run(CancellationToken token = default) => Run(null, token);

    /// <summary>Runs the generator after an edit: in the driver of an earlier run.</summary>
    public GeneratorRun RunAfter(GeneratorRun earlier) => Run(earlier, default);

    /// <summary>The diagnostics of the analyzer alone.</summary>
    public ImmutableArray<Diagnostic> Analyze() =>
        Compilation()
            .WithAnalyzers([new MdlAnalyzer(Compile)], new CompilationWithAnalyzersOptions(
                new AnalyzerOptions(Texts(), Options()), onAnalyzerException: null, concurrentAnalysis: true, logAnalyzerExecutionTime: false))
            .GetAnalyzerDiagnosticsAsync().GetAwaiter().GetResult();

    private GeneratorRun Run(GeneratorRun? earlier, CancellationToken token)
    {
        var compilation = Compilation();
        var driver = earlier is null
            ? CSharpGeneratorDriver.Create(
                [new MdlGenerator(Compile).AsSourceGenerator()],
                Texts(),
                ParseOptions,
                Options(),
                new(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true))
            : earlier.Edit(this);
        var after = driver.RunGeneratorsAndUpdateCompilation(compilation, out var output, out _, token);
        var run = new GeneratorRun(this, after, (CSharpCompilation)output);

        var again = after.RunGenerators(compilation.Clone(), token);
        AllCached(again.GetRunResult().Results.Single());
        PlainValues.Check(run.Result);
        return run;
    }

    private static void AllCached(GeneratorRunResult result)
    {
        var outputs = result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs);
        Assert.All(outputs, output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
        foreach (var name in TrackingNames.All)
        {
            var steps = result.TrackedSteps.TryGetValue(name, out var found) ? found : [];
            Assert.All(
                steps.SelectMany(step => step.Outputs),
                output => Assert.True(output.Reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{name}: {output.Reason}"));
        }
    }

    private static ImmutableArray<MetadataReference> FrameworkReferences { get; } =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(System.IO.Path.PathSeparator)
            .Where(path => System.IO.Path.GetFileName(path) is var name
                && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "mscorlib.dll" or "Mdl.Runtime.dll"))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];
}
