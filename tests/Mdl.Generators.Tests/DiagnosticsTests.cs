using Mdl.Compiler;
using Mdl.Generators.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Mdl.Generators.Tests;

public class DiagnosticsTests
{
    private const string Root = "/home/someone/project/";

    [Fact]
    public void Point_10_an_exception_costs_one_diagnostic_and_one_file()
    {
        static CompileResult Fail(Dsl.SourceText source, Func<string, Dsl.SourceText?> import, CompileOptions options, CancellationToken token) =>
            source.Path == "bad.mdl" ? throw new InvalidOperationException("first\nsecond") : Echo.Compile(source, import, options, token);

        var run = (GeneratorProject.With(("bad.mdl", "module Bad;"), ("good.mdl", "module Good;")) with { Compile = Fail }).Run();
        var diagnostic = Assert.Single(run.Result.Diagnostics);
        Assert.Equal("MDL0999", diagnostic.Id);
        Assert.Equal("internal error of the compiler in bad.mdl, please report it with the file: InvalidOperationException: first", diagnostic.GetMessage(null));
        Assert.Equal(["good/Echo.g.cs"], run.Sources.Keys);
    }

    [Fact]
    public void Point_10_an_id_that_no_table_knows_is_a_fault_and_no_crash()
    {
        static CompileResult Unknown(Dsl.SourceText source, Func<string, Dsl.SourceText?> import, CompileOptions options, CancellationToken token) =>
            new([], [new("MDL9999", Dsl.Severity.Error, "?", source.Path, default)]);

        Assert.Equal(["MDL0999"], (GeneratorProject.With(("a.mdl", "")) with { Compile = Unknown }).Run().Result.Diagnostics.Select(d => d.Id));
    }

    [Fact]
    public void Point_13_a_preset_beyond_the_limits_of_a_device_keeps_its_programs_for_the_host()
    {
        var ilgpu = CSharpCompilation.Create("Mdl.Runtime.Ilgpu", options: new(OutputKind.DynamicallyLinkedLibrary)).ToMetadataReference();
        var project = GeneratorProject.With(("wide.mdl",
            """
            module Wide;
            model Wide(tokens: int[B, T]; vocab, hidden) {
                let embed = Embedding(vocab, hidden);
                param qkv: [3 * hidden, hidden];
                param head_weight: [vocab, hidden];
                q, k, v = split(embed(tokens) @ qkv', heads: [1, 1, 1], width: hidden);
                return logits = merge(attend(q, k, v, mask: causal)) @ head_weight';
            }
            preset Nano of Wide { vocab: 32; hidden: 512; }
            preset Huge of Wide { vocab: 32; hidden: 513; }
            """));
        var run = (project with { References = project.References.Add(ilgpu) }).Run();
        var diagnostic = Assert.Single(run.Result.Diagnostics);
        Assert.Equal((DiagnosticSeverity.Info, "MDL0126"), (diagnostic.Severity, diagnostic.Id));
        Assert.Equal("WideHuge has no programs for ILGPU devices: a head is 513 wide, 512 at most", diagnostic.GetMessage(null));
        Assert.Equal($"MDL0126 {Root}wide.mdl(10,8)-(10,12)", GeneratorRun.Place(diagnostic));
        Assert.Equal(
            ["wide/WideHuge.Inference.g.cs", "wide/WideHuge.Training.g.cs", "wide/WideHuge.g.cs"],
            run.Sources.Keys.Where(name => name.Contains("Huge", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains("throw new NotSupportedException(\"WideHuge has no programs", run.Sources["wide/WideHuge.g.cs"], StringComparison.Ordinal);
        Assert.Contains("wide/WideNano.Training.Ilgpu.g.cs", run.Sources.Keys);
        Assert.Empty(project.Run().Result.Diagnostics);
    }

    [Theory]
    [MemberData(nameof(Mutations))]
    public void Point_10_no_text_breaks_the_compiler(int seed)
    {
        var random = new Random(seed);
        var text = Samples.LingNano;
        for (var i = 0; i < 8; i++)
        {
            var mutant = text.ToCharArray().ToList();
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                var at = random.Next(mutant.Count);
                var length = Math.Min(random.Next(1, 30), mutant.Count - at);
                mutant.RemoveRange(at, length);
                if (random.Next(2) == 0)
                {
                    var from = random.Next(text.Length - 30);
                    mutant.InsertRange(Math.Min(at, mutant.Count), text.Substring(from, random.Next(1, 30)));
                }
            }

            var options = new CompileOptions("Sample", EmitIlgpu: false);
            var result = MdlCompiler.Compile(new("m.mdl", new([.. mutant])), _ => null, options, CancellationToken.None);
            Assert.All(result.Diagnostics, diagnostic => Reporting.Descriptors.Find(diagnostic.Id));
        }
    }

    public static TheoryData<int> Mutations => [1, 2, 3];

    [Fact]
    public void Point_10_a_file_that_cannot_be_read_is_a_diagnostic()
    {
        var run = (new GeneratorProject { Compile = Echo.Compile }).WithFile("gone.mdl", null).Run();
        Assert.Equal(["MDL0901 " + Root + "gone.mdl(1,1)-(1,1)"], run.Places);
    }

    [Fact]
    public void Point_11_a_cancelled_run_stops_at_once()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var project = GeneratorProject.With(("a.mdl", Samples.LingNano));
        project.Run();
        var best = Enumerable.Range(0, 5).Min(_ => ColdStart.Time(() => Assert.ThrowsAny<OperationCanceledException>(() => project.Run(source.Token)).HResult));
        Assert.True(best < 50, $"took {best} ms");
    }

    [Fact]
    public void Point_11_a_run_can_be_cancelled_in_the_middle_of_the_compiler()
    {
        using var source = new CancellationTokenSource();
        CompileResult Cancel(Dsl.SourceText text, Func<string, Dsl.SourceText?> import, CompileOptions options, CancellationToken token)
        {
            source.Cancel();
            return MdlCompiler.Compile(text, import, options, token);
        }

        var project = GeneratorProject.With(("a.mdl", Samples.LingNano)) with { Compile = Cancel };
        Assert.ThrowsAny<OperationCanceledException>(() => project.Run(source.Token));
    }

    [Fact]
    public void Point_12_a_broken_block_leaves_the_types_of_the_other_models()
    {
        var project = GeneratorProject.With(("tiny.mdl", Samples.Tiny + "\nblock Broken(x: [B, T, D]) -> [B, T, D] {\n    return (x + ;\n}\n")) with
        {
            CSharp = "internal static class P { private static void Main() => System.Console.WriteLine(typeof(Tiny.TinyNano)); }",
        };
        var run = project.Run();
        Assert.NotEmpty(run.Result.Diagnostics);
        Assert.Empty(run.Output.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
    }

    [Theory]
    [InlineData("x\n\twarn\n", "(2,2)-(2,6)")]
    [InlineData("x\r\n  warn\r\n", "(2,3)-(2,7)")]
    [InlineData("// 😀 warn", "(1,7)-(1,11)")] // Columns count UTF-16 units, as everywhere in Roslyn.
    [InlineData("// é\n// 日本 warn", "(2,7)-(2,11)")]
    [InlineData("warn", "(1,1)-(1,5)")]
    public void Point_14_places_are_exact(string text, string place)
    {
        var run = (GeneratorProject.With(("sub/a.mdl", text)) with { Compile = Echo.Compile }).Run();
        Assert.Equal(["MDL0008 " + Root + "sub/a.mdl" + place], run.Places);
    }

    [Fact]
    public void Point_14_several_mistakes_of_a_real_file_have_their_places()
    {
        var run = GeneratorProject.With(("bad.mdl", "module Bad;\npreset A of B { x: 1 }\nblock C(x: [B) { return x; }\n")).Run();
        Assert.Equal(
            ["MDL0001 " + Root + "bad.mdl(2,21)-(2,21)", "MDL0001 " + Root + "bad.mdl(3,14)-(3,15)"],
            run.Places.Where(place => place.StartsWith("MDL0001", StringComparison.Ordinal)));
    }

    [Fact]
    public void Two_files_that_make_one_class_are_told_at_the_second_and_the_first_stays()
    {
        var project = GeneratorProject.With(("a.mdl", Samples.LingNano), ("b.mdl", Samples.LingNano));
        var run = project.Run();
        var diagnostic = Assert.Single(run.Result.Diagnostics);
        Assert.Equal("MDL0904", diagnostic.Id);
        Assert.Equal(Root + "b.mdl", diagnostic.Location.GetLineSpan().Path);
        Assert.StartsWith("'a.mdl' makes the class '", diagnostic.GetMessage(null), StringComparison.Ordinal);
        var name = diagnostic.Location.SourceSpan;
        Assert.Equal("Nano", Samples.LingNano.Substring(name.Start, name.Length));
        Assert.NotEmpty(run.Sources);
        Assert.All(run.Sources.Keys, hint => Assert.StartsWith("a/", hint, StringComparison.Ordinal));
        Assert.DoesNotContain(run.Output.GetDiagnostics(), d => d.Id == "CS0101");
        Assert.Equal(run.Places, project.WithGlobal("mdl_live_diagnostics", "true").Analyze().Select(GeneratorRun.Place));
    }

    [Fact]
    public void A_mistake_in_an_imported_file_is_told_once_and_there()
    {
        var project = GeneratorProject.With(("a.mdl", "import \"c.mdl\";"), ("b.mdl", "import \"c.mdl\";"), ("c.mdl", "warn")) with { Compile = Echo.Compile };
        Assert.Equal(["MDL0008 " + Root + "c.mdl(1,1)-(1,5)"], project.Run().Places);
        Assert.Equal(["MDL0008 " + Root + "c.mdl(1,1)-(1,5)"], project.WithGlobal("mdl_live_diagnostics", "true").Analyze().Select(GeneratorRun.Place));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("suggestion")]
    [InlineData("warning")]
    [InlineData("error")]
    public void Point_15_an_editorconfig_key_sets_the_severity_for_its_files(string severity)
    {
        var project = GeneratorProject.With(("a.mdl", "warn info error"), ("b.mdl", "warn")) with { Compile = Echo.Compile };
        var run = project.WithFileOption("a.mdl", "mdl_diagnostic.MDL0008.severity", severity).Run();
        var expected = severity switch
        {
            "none" => [],
            "suggestion" => new[] { DiagnosticSeverity.Info },
            "warning" => [DiagnosticSeverity.Warning],
            _ => [DiagnosticSeverity.Error],
        };
        Assert.Equal(expected, In(run, "a.mdl").Where(d => d.Id == "MDL0008").Select(d => d.Severity));
        Assert.Equal([DiagnosticSeverity.Error], In(run, "a.mdl").Where(d => d.Id == "MDL0001").Select(d => d.Severity));
        Assert.Equal([DiagnosticSeverity.Warning], In(run, "b.mdl").Select(d => d.Severity));
    }

    [Fact]
    public void Point_15_an_error_stays_an_error()
    {
        var project = GeneratorProject.With(("a.mdl", "error // mdl: ignore MDL0001")) with { Compile = Echo.Compile };
        var run = project.WithFileOption("a.mdl", "mdl_diagnostic.MDL0001.severity", "none").Run();
        Assert.Equal([DiagnosticSeverity.Error], run.Result.Diagnostics.Select(d => d.Severity));
    }

    [Theory]
    [InlineData("warn // mdl: ignore MDL0008", 0)]
    [InlineData("// mdl: ignore MDL0008 -- on purpose\nwarn", 0)]
    [InlineData("// mdl: ignore MDL0007, MDL0008\r\ninfo warn", 0)]
    [InlineData("// mdl: ignore MDL0007\nwarn", 1)]
    [InlineData("x // mdl: ignore MDL0008\nwarn", 1)]
    [InlineData("// mdl: ignore MDL0008\n\nwarn", 1)]
    public void Point_15_a_comment_suppresses_on_its_line_or_the_next(string text, int left)
    {
        var run = (GeneratorProject.With(("a.mdl", text)) with { Compile = Echo.Compile }).Run();
        Assert.Equal(left, run.Result.Diagnostics.Length);
    }

    [Fact]
    public void Point_15_NoWarn_and_globalconfig_severities_hold()
    {
        var project = GeneratorProject.With(("a.mdl", "warn")) with { Compile = Echo.Compile };
        var suppressed = project with { DiagnosticOptions = project.DiagnosticOptions.Add("MDL0008", ReportDiagnostic.Suppress) };
        var raised = project with { DiagnosticOptions = project.DiagnosticOptions.Add("MDL0008", ReportDiagnostic.Error) };
        Assert.Empty(suppressed.Run().Result.Diagnostics);
        Assert.Empty(suppressed.WithGlobal("mdl_live_diagnostics", "true").Analyze());
        Assert.Equal([DiagnosticSeverity.Error], raised.Run().Result.Diagnostics.Select(d => d.Severity));
        Assert.Equal([DiagnosticSeverity.Error], raised.WithGlobal("mdl_live_diagnostics", "true").Analyze().Select(d => d.Severity));
    }

    [Theory]
    [InlineData("a.mdl", "warn info error\nwarn // mdl: ignore MDL0008")]
    [InlineData("a.mdl", "import \"b.mdl\";\nwarn")]
    public void Point_16_generator_and_analyzer_say_the_same_and_never_both(string path, string text)
    {
        var build = GeneratorProject.With((path, text), ("b.mdl", "import \"a.mdl\";\nerror")) with { Compile = Echo.Compile };
        var editor = build.WithGlobal("mdl_live_diagnostics", "true");
        var generator = build.Run().Result.Diagnostics.Select(Full).Order(StringComparer.Ordinal).ToArray();
        var analyzer = editor.Analyze().Select(Full).Order(StringComparer.Ordinal).ToArray();
        Assert.NotEmpty(generator);
        Assert.Equal(generator, analyzer);
        Assert.Empty(build.Analyze());
        Assert.Empty(editor.Run().Result.Diagnostics);
    }

    [Fact]
    public void Point_16_the_same_for_real_mistakes()
    {
        var build = GeneratorProject.With(("bad.mdl", "module Bad;\npreset A of B { x: 1 }\nblock C(x: [B) { return x; }\n"), ("ling.mdl", Samples.LingNano));
        Assert.Equal(
            build.Run().Result.Diagnostics.Select(Full).Order(StringComparer.Ordinal),
            build.WithGlobal("mdl_live_diagnostics", "true").Analyze().Select(Full).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_project_without_unsafe_code_or_with_an_old_language_is_told_so()
    {
        var project = GeneratorProject.With(("a.mdl", "module A;")) with { Compile = Echo.Compile };
        Assert.Equal(["MDL0902"], project.WithProperty("AllowUnsafeBlocks", "false").Run().Result.Diagnostics.Select(d => d.Id));

        // Bodies would be one more error for each of their classes.
        var real = GeneratorProject.With(("tiny.mdl", Samples.Tiny)).WithProperty("AllowUnsafeBlocks", "false").Run();
        Assert.Contains("tiny/TinyNano.g.cs", real.Sources.Keys);
        Assert.All(real.Sources.Values, source => Assert.DoesNotContain("unsafe", source, StringComparison.Ordinal));
        Assert.Equal(["MDL0903"], (project with { LanguageVersion = LanguageVersion.CSharp11 }).Run().Result.Diagnostics.Select(d => d.Id));
    }

    private static IEnumerable<Microsoft.CodeAnalysis.Diagnostic> In(GeneratorRun run, string path) =>
        run.Result.Diagnostics.Where(diagnostic => diagnostic.Location.GetLineSpan().Path.EndsWith(path, StringComparison.Ordinal));

    private static string Full(Microsoft.CodeAnalysis.Diagnostic diagnostic) =>
        $"{GeneratorRun.Place(diagnostic)} {diagnostic.Severity} {diagnostic.GetMessage(null)} {diagnostic.Descriptor.HelpLinkUri}";
}
