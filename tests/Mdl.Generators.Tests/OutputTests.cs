using System.Globalization;
using Mdl.Generators.Project;
using Mdl.Generators.Tests.Support;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Mdl.Generators.Tests;

/// <summary>Names and bytes of what is generated.</summary>
public class OutputTests
{
    [Fact]
    public void Point_17_hint_names_carry_the_path_and_are_unique_whatever_the_case()
    {
        var project = GeneratorProject.With(("a/x.mdl", "1"), ("a/X.mdl", "2"), ("b/X.mdl", "3"), ("a.x.mdl", "4"), ("../x.mdl", "5"), ("é<a>.mdl", "6")) with
        {
            Compile = Echo.Compile,
        };
        var names = project.Run().Sources.Keys.Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(["__a_/Echo.g.cs", "a.X_2/Echo.g.cs", "a.x/Echo.g.cs", "a.x_3/Echo.g.cs", "b.X/Echo.g.cs", "up.x/Echo.g.cs"], names);
    }

    [Theory]
    [InlineData("models/ling", "models.ling")]
    [InlineData("../../a b", "up.up.a_b")]
    [InlineData("a:b@c", "a_b_c")]
    public void Point_17_a_stem_has_harmless_characters_only(string path, string stem) => Assert.Equal(stem, HintNames.Sanitize(path));

    [Fact]
    public void Point_18_the_order_of_files_does_not_show()
    {
        var project = GeneratorProject.With(("a/x.mdl", Samples.Tiny), ("a/X.mdl", "module Other;"), ("ling.mdl", Samples.LingNano));
        Assert.Equal(Bytes(project), Bytes(project with { Reversed = true }));
        Assert.Equal(Bytes(project), Bytes(project));
    }

    [Fact]
    public void Point_18_line_ends_do_not_show()
    {
        var unix = GeneratorProject.With(("a.mdl", Samples.Tiny), ("ling.mdl", Samples.LingNano));
        var windows = GeneratorProject.With(("a.mdl", Samples.Tiny.ReplaceLineEndings("\r\n")), ("ling.mdl", Samples.LingNano.ReplaceLineEndings("\r\n")));
        Assert.Equal(Bytes(unix), Bytes(windows));
        Assert.DoesNotContain('\r', Bytes(unix));
    }

    [Fact]
    public void Point_18_the_culture_does_not_show()
    {
        var project = GeneratorProject.With(("a.mdl", Samples.Tiny), ("ling.mdl", Samples.LingNano), ("bad.mdl", "preset 1e-6;"));
        var expected = Bytes(project) + Messages(project);

        // Culture data may be missing on the machine, so this is the invariant culture with what tr-TR, de-DE and sv-SE do to numbers.
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        culture.NumberFormat.NegativeSign = "\u2212";
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = culture;
            Assert.Equal("\u22121,5", (-1.5).ToString(CultureInfo.CurrentCulture));
            Assert.Equal(expected, Bytes(project) + Messages(project));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Point_19_two_checkouts_give_the_same_bytes()
    {
        var here = GeneratorProject.With("/home/someone/project", ("models/a.mdl", Samples.Tiny), ("../shared/ling.mdl", Samples.LingNano));
        var there = GeneratorProject.With("/build/agent 7/w", ("models/a.mdl", Samples.Tiny), ("../shared/ling.mdl", Samples.LingNano));
        Assert.Equal(Bytes(here), Bytes(there));
        Assert.DoesNotContain("/home/", Bytes(here), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/p/x", "/p/x/a.mdl", "a.mdl")]
    [InlineData("/p/x/", "/p/x/m/../a.mdl", "a.mdl")]
    [InlineData("/p/x", "/p/y/a.mdl", "../y/a.mdl")]
    [InlineData("C:\\p\\x\\", "C:\\p\\x\\m\\a.mdl", "m/a.mdl")]
    [InlineData("C:\\p\\x", "D:\\a.mdl", "D/a.mdl")]
    [InlineData("/p/a.mdl", "/p/a.mdl", "../a.mdl")]
    public void Point_19_paths_are_relative_to_the_project(string project, string path, string relative) =>
        Assert.Equal(relative, Inputs.ProjectPath.Relative(project, path));

    [Fact]
    public void Generated_code_compiles_without_a_warning()
    {
        var run = GeneratorProject.With(("a.mdl", Samples.Tiny), ("ling.mdl", Samples.LingNano)).Run();
        Assert.Empty(run.Result.Diagnostics);
        Assert.NotEmpty(run.Sources);
        Assert.Empty(run.Output.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));
    }

    private static string Bytes(GeneratorProject project) =>
        string.Concat(project.Run().Sources.OrderBy(source => source.Key, StringComparer.Ordinal).Select(source => $"== {source.Key}\n{source.Value}\n"));

    private static string Messages(GeneratorProject project) => string.Join("\n", project.Run().Result.Diagnostics.Select(d => d.GetMessage(CultureInfo.InvariantCulture)));
}
