using System.Globalization;
using Mdl.Generators.Project;
using Mdl.Generators.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Mdl.Generators.Tests;

/// <summary>Names and bytes of what is generated.</summary>
public class OutputTests
{
    private const string Off = "#nullable enable annotations\n#nullable disable warnings";

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

    [Fact]
    public void Generated_code_has_no_warnings_about_null_but_those_it_turns_off()
    {
        var ilgpu = CSharpCompilation.Create("Mdl.Runtime.Ilgpu", options: new(OutputKind.DynamicallyLinkedLibrary)).ToMetadataReference();
        foreach (var project in (GeneratorProject[])[Project(), Project() with { References = Project().References.Add(ilgpu) }])
        {
            var run = project.Run();
            var output = run.Output;
            foreach (var tree in Trees(run))
            {
                var text = tree.ToString();
                Assert.Contains(Off, text, StringComparison.Ordinal);
                output = output.ReplaceSyntaxTree(tree, CSharpSyntaxTree.ParseText(text.Replace(Off, "#nullable enable", StringComparison.Ordinal), project.ParseOptions, tree.FilePath));
            }

            // CS8600 to CS8799: those about null, of which one is put here to be found. The empty assembly in ILGPU's name makes others.
            output = output.AddSyntaxTrees(CSharpSyntaxTree.ParseText("#nullable enable\ninternal sealed class Witness { public string Text = null; }", project.ParseOptions));
            Assert.Equal(["CS8625"], output.GetDiagnostics().Select(diagnostic => diagnostic.Id).Where(id => id is ['C', 'S', '8', '6' or '7', ..]));
        }

        static GeneratorProject Project() => GeneratorProject.With(("a.mdl", Samples.Tiny), ("ling.mdl", Samples.LingNano));
    }

    [Fact]
    public void Point_28_nothing_but_the_classes_of_presets_is_declared()
    {
        var run = GeneratorProject.With(("a.mdl", Samples.Tiny), ("ling.mdl", Samples.LingNano)).Run();
        var types = Trees(run).SelectMany(tree => tree.GetRoot().ChildNodes().OfType<BaseNamespaceDeclarationSyntax>())
            .SelectMany(space => space.Members.Select(member => $"{space.Name}.{((BaseTypeDeclarationSyntax)member).Identifier}"));
        // A type that users write in C# would need AddEmbeddedAttributeDefinition, or two assemblies that see each other would both have it.
        Assert.Equal(["Ling.LingNano", "Tiny.TinyNano"], types.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Point_30_an_editor_may_leave_out_the_bodies_of_programs()
    {
        var project = GeneratorProject.With(("a.mdl", Samples.Tiny)) with
        {
            CSharp = "using var model = Tiny.TinyNano.Create(); _ = model.CreateTrainer(new()); _ = Tiny.TinyNano.PlanTraining(1, 2);",
        };
        string[] Generated(IncrementalGeneratorOutputKind without)
        {
            CSharpGeneratorDriver.Create([new MdlGenerator().AsSourceGenerator()], project.Texts(), project.ParseOptions, project.Options(), new(without))
                .RunGeneratorsAndUpdateCompilation(project.Compilation(), out var output, out _);
            Assert.Empty(output.GetDiagnostics().Where(d => d.Severity >= DiagnosticSeverity.Warning));
            return [.. output.SyntaxTrees.Skip(1).Select(tree => Path.GetFileName(tree.FilePath)).Order(StringComparer.Ordinal)];
        }

        Assert.Equal(["TinyNano.g.cs"], Generated(without: IncrementalGeneratorOutputKind.Implementation));
        Assert.Equal(["TinyNano.Inference.g.cs", "TinyNano.Training.g.cs", "TinyNano.g.cs"], Generated(without: IncrementalGeneratorOutputKind.None));
    }

    [Fact]
    public void Point_31_launches_point_to_their_lines_of_the_source()
    {
        var project = GeneratorProject.With(("models/a.mdl", Samples.Tiny));
        Assert.DoesNotContain("#line", Bytes(project), StringComparison.Ordinal);
        var product = Samples.Tiny.Split('\n').Index().Single(line => line.Item.Contains("embed(tokens) @ head_weight", StringComparison.Ordinal)).Index + 1;
        var mapped = Bytes(project.WithProperty("MdlSourceFolder", "../../../")).Split('\n').Select(line => line.Trim()).ToArray();
        var places = mapped.Where(line => line.StartsWith("#line ", StringComparison.Ordinal) && line != "#line default").Distinct().ToArray();
        Assert.Contains($"#line {product} \"../../../../../../models/a.mdl\"", places);

        // Each covers one statement: those behind it would be taken for the lines behind its own.
        Assert.All(mapped.Index().Where(line => places.Contains(line.Item)), line => Assert.Equal("#line default", mapped[line.Index + 2]));
        Assert.All(places, place => Assert.EndsWith("\"../../../../../../models/a.mdl\"", place, StringComparison.Ordinal));
    }

    [Fact]
    public void Point_33_generated_code_is_source_and_carries_no_code_for_devices()
    {
        var ilgpu = CSharpCompilation.Create("Mdl.Runtime.Ilgpu", options: new(OutputKind.DynamicallyLinkedLibrary)).ToMetadataReference();
        var project = GeneratorProject.With(("a.mdl", Samples.Tiny), ("ling.mdl", Samples.LingNano));
        var run = (project with { References = project.References.Add(ilgpu) }).Run();
        Assert.Contains(run.Sources.Keys, name => name.EndsWith(".Ilgpu.g.cs", StringComparison.Ordinal));
        foreach (var tree in Trees(run))
        {
            // Compiled code would stand in a long string or a long list of whole numbers; kernels for devices are compiled where they run. Lists of floats are tables.
            var nodes = tree.GetRoot().DescendantNodes().ToArray();
            var strings = nodes.OfType<LiteralExpressionSyntax>().Where(literal => literal.Token.Value is string);
            Assert.DoesNotContain(strings, literal => literal.Token.ValueText.Length > 400 || literal.Token.ValueText.Contains(".version", StringComparison.Ordinal));
            Assert.DoesNotContain(nodes.OfType<CollectionExpressionSyntax>(), list => list.Elements.Count > 8 && list.Elements.All(IsNumber));
            Assert.DoesNotContain(nodes.OfType<PredefinedTypeSyntax>(), type => type.Keyword.Text is "byte" or "sbyte");
        }

        static bool IsNumber(CollectionElementSyntax element) => element is ExpressionElementSyntax { Expression: LiteralExpressionSyntax { Token.Value: not (string or float) } };
    }

    private static IEnumerable<SyntaxTree> Trees(GeneratorRun run) => run.Result.GeneratedSources.Select(source => source.SyntaxTree);

    private static string Bytes(GeneratorProject project) =>
        string.Concat(project.Run().Sources.OrderBy(source => source.Key, StringComparer.Ordinal).Select(source => $"== {source.Key}\n{source.Value}\n"));

    private static string Messages(GeneratorProject project) => string.Join("\n", project.Run().Result.Diagnostics.Select(d => d.GetMessage(CultureInfo.InvariantCulture)));
}
