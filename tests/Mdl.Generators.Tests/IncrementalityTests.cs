using Mdl.Compiler;
using Mdl.Generators.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;
using static Mdl.Generators.TrackingNames;

namespace Mdl.Generators.Tests;

/// <summary>
/// What re-runs after which edit, as full records of reasons. The harness repeats every run and demands that the second is cached throughout, and
/// walks all values between steps for things that do not belong there.
/// </summary>
public class IncrementalityTests
{
    private static readonly GeneratorProject Project = GeneratorProject.With(
        ("a.mdl", "import \"shared/blocks.mdl\";\nmodule A;\n"),
        ("b.mdl", "module B;\n"),
        ("shared/blocks.mdl", "block Shared;\n")) with
    { Compile = Echo.Compile };

    [Fact]
    public void Point_01_a_blank_line_leaves_the_compiled_model_unchanged()
    {
        var edited = Project.WithFile("b.mdl", "module B;\n\n");
        AssertReasons(
            edited,
            (Files, "Cached Cached Modified"),
            (Places, "Cached Cached Unchanged"),
            (Headers, "Cached Cached Unchanged"),
            (Units, "Cached Cached Modified"),
            (Compiled, "Cached Cached Unchanged"));
    }

    [Fact]
    public void Point_02_the_walk_over_values_finds_what_does_not_belong()
    {
        var options = new MemoryOptions(Project.Settings.Global, Project.Settings.Files);
        Assert.ThrowsAny<Exception>(() => PlainValues.Walk(new { A = new object[] { 1, Project.Texts()[0] } }, "test"));
        Assert.ThrowsAny<Exception>(() => PlainValues.Walk((1, options), "test"));
        Assert.ThrowsAny<Exception>(() => PlainValues.Walk(Project.Compilation(), "test"));
        PlainValues.Walk(new { A = new object[] { 1, "text", Severity() } }, "test");

        static Mdl.Dsl.Severity Severity() => Mdl.Dsl.Severity.Error;
    }

    [Fact]
    public void Point_03_the_same_text_in_a_new_object_changes_nothing() =>
        AssertReasons(Project.WithFile("b.mdl", "module B;\n"), (Files, "Cached Cached Unchanged"), (Places, "Cached Cached Unchanged"));

    [Fact]
    public void Point_04_a_new_options_object_changes_nothing() =>
        AssertReasons(
            Project with { Settings = Project.Settings with { } },
            (Options, "Unchanged"),
            (Files, "Unchanged Unchanged Unchanged"),
            (Places, "Unchanged Unchanged Unchanged"));

    [Fact]
    public void Point_04_a_new_value_of_a_property_recompiles() =>
        AssertReasons(
            Project.WithProperty("RootNamespace", "Other"),
            (Options, "Modified"),
            (Files, "Unchanged Unchanged Unchanged"),
            (Places, "Unchanged Unchanged Unchanged"),
            (Compiled, "Modified Modified Modified"),
            (Classes, "Unchanged"),
            (Sources, "Modified Modified Modified"),
            (Diagnostics, "Unchanged"),
            ("Output", "Cached Modified Modified Modified"));

    [Fact]
    public void Point_05_and_30_a_keystroke_in_csharp_runs_no_step() =>
        AssertReasons(Project with { CSharp = Project.CSharp + "\ninternal interface IEdited;" });

    [Fact]
    public void Point_05_another_language_version_emits_nothing_anew() =>
        AssertReasons(
            Project with { LanguageVersion = LanguageVersion.CSharp12 },
            (Options, "Modified"),
            (Compiled, "Unchanged Unchanged Unchanged"),
            (Diagnostics, "Unchanged"));

    [Fact]
    public void Point_05_a_reference_to_the_ILGPU_runtime_is_seen()
    {
        var ilgpu = CSharpCompilation.Create("Mdl.Runtime.Ilgpu", options: new(OutputKind.DynamicallyLinkedLibrary)).ToMetadataReference();
        var seen = new List<bool>();
        CompileResult Record(Dsl.SourceText source, Func<string, Dsl.SourceText?> import, CompileOptions options, CancellationToken token)
        {
            lock (seen)
            {
                seen.Add(options.EmitIlgpu);
            }

            return Echo.Compile(source, import, options, token);
        }

        var project = GeneratorProject.With(("b.mdl", "module B;")) with { Compile = Record };
        project.Run();
        (project with { References = project.References.Add(ilgpu) }).Run();
        Assert.Equal([false, true], seen);
    }

    [Fact]
    public void Point_06_editing_a_file_reaches_no_file_that_does_not_import_it() =>
        AssertReasons(
            Project.WithFile("b.mdl", "module Other;\n"),
            (Files, "Cached Cached Modified"),
            (Places, "Cached Cached Unchanged"),
            (Headers, "Cached Cached Unchanged"),
            (Units, "Cached Cached Modified"),
            (Compiled, "Cached Cached Modified"),
            (Classes, "Unchanged"),
            (Sources, "Cached Cached Modified"),
            ("Output", "Cached Cached Cached Modified"));

    [Fact]
    public void Point_06_editing_an_imported_file_recompiles_it_and_its_importers() =>
        AssertReasons(
            Project.WithFile("shared/blocks.mdl", "block Other;\n"),
            (Files, "Cached Cached Modified"),
            (Places, "Cached Cached Unchanged"),
            (Headers, "Cached Cached Unchanged"),
            (Imported, "Modified"),
            (Units, "Modified Modified Unchanged"),
            (Compiled, "Cached Modified Modified"),
            (Classes, "Unchanged"),
            (Sources, "Cached Modified Modified"),
            ("Output", "Cached Cached Modified Modified"));

    [Fact]
    public void Point_06_a_new_import_changes_the_index_and_its_own_unit() =>
        AssertReasons(
            Project.WithFile("b.mdl", "import \"a.mdl\";\nmodule B;\n"),
            (Files, "Cached Cached Modified"),
            (Places, "Cached Cached Unchanged"),
            (Headers, "Cached Cached Modified"),
            (TrackingNames.Index, "Modified"),
            (Imported, "Modified"),
            (Units, "Modified Unchanged Unchanged"),
            (Compiled, "Cached Cached Modified"),
            (Classes, "Unchanged"),
            (Sources, "Cached Cached Modified"),
            ("Output", "Cached Cached Cached Modified"));

    [Fact]
    public void Point_07_a_warning_that_moves_is_reported_again_and_emits_nothing()
    {
        var before = Project.WithFile("b.mdl", "warn\n");
        var after = before.WithFile("b.mdl", "\nwarn\n");
        var run = before.Run();
        var moved = after.RunAfter(run);
        Assert.Equal(["MDL0008 /home/someone/project/b.mdl(1,1)-(1,5)"], run.Places);
        Assert.Equal(["MDL0008 /home/someone/project/b.mdl(2,1)-(2,5)"], moved.Places);
        Assert.Equal(
            Expected(
                (Files, "Cached Cached Modified"),
                (Places, "Cached Cached Unchanged"),
                (Headers, "Cached Cached Unchanged"),
                (Units, "Cached Cached Modified"),
                (Compiled, "Cached Cached Modified"),
                (Classes, "Unchanged"),
                (Sources, "Cached Cached Unchanged"),
                (Diagnostics, "Modified"),
                ("Output", "Cached Cached Cached Modified")),
            moved.Reasons);
    }

    [Fact]
    public void Point_08_every_named_step_is_in_the_record()
    {
        var run = Project.Run();
        Assert.Equal(All.Append("Output"), run.Reasons.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':')[0]));
    }

    [Fact]
    public void Point_32_the_switch_leaves_nothing_and_then_everything_again()
    {
        var run = Project.Run();
        var off = Project.WithProperty("MdlEnabled", "false");
        var silent = off.RunAfter(run);
        Assert.Empty(silent.Sources);
        Assert.Empty(off.WithFile("b.mdl", "error\n").RunAfter(silent).Result.Diagnostics);
        Assert.Equal(run.Sources, Project.RunAfter(silent).Sources);
        Assert.Empty(off.WithFile("b.mdl", "error\n").WithGlobal("mdl_live_diagnostics", "true").Analyze());
    }

    private static void AssertReasons(GeneratorProject edited, params (string Step, string Reasons)[] changed) =>
        Assert.Equal(Expected(changed), edited.RunAfter(Project.Run()).Reasons);

    /// <summary>The record of a run in which everything is cached but what is listed.</summary>
    private static string Expected(params (string Step, string Reasons)[] changed) => string.Concat(All.Append("Output").Select(step =>
        $"{step}: {changed.FirstOrDefault(change => change.Step == step).Reasons ?? Cached(step)}\n"));

    private static string Cached(string step) => string.Join(" ", Enumerable.Repeat("Cached", step switch
    {
        Options or References or TrackingNames.Index or Imported or Classes or Diagnostics => 1,
        "Output" => 4,
        _ => 3,
    }));
}
