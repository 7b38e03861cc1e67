using Mdl.Dsl.Binding;

namespace Mdl.Dsl.Tests.Binding;

public class ImportTests
{
    private const string Model = "model M(tokens: int[B, T]; vocab, D) { let embed = Embedding(vocab, D); let f = Twice(); return f(embed(tokens)) @ embed.weight'; }";
    private const string Preset = "preset A of M { vocab: 10; D: 4; }";

    [Fact]
    public void DeclarationsComeThroughSeveralFiles()
    {
        var compilation = Binder.Bind(new("models/main.mdl", $"import \"../blocks/all.mdl\"; {Preset}"), path => path switch
        {
            "blocks/all.mdl" => new(path, $"import \"./twice.mdl\"; {Model} preset Other of M {{ vocab: 3; D: 3; }}"),
            "blocks/twice.mdl" => new(path, "block Twice(x: [.., D]) -> [.., D] { return 2 * x; }"),
            _ => null,
        });
        Assert.Empty(compilation.Diagnostics);

        // The presets of an imported file are that file's business.
        Assert.Equal(["MA"], compilation.Models.Select(m => m.ClassName));
        Assert.Contains(compilation.Models[0].Forward.Graph.Nodes, n => n.Origin.Path == "blocks/twice.mdl");
    }

    [Fact]
    public void TrainingSettingsComeWithTheModelBehindThoseOfTheFileItself()
    {
        const string Twice = "block Twice(x: [.., D]) -> [.., D] { return 2 * x; }";
        var compilation = Bound.File(
            $"import \"first.mdl\"; import \"second.mdl\"; {Preset} train Own of M {{ }} train Fast of M {{ optimizer adamw(lr: 0.5); }}",
            ("first.mdl", $"{Model} {Twice} train Fast of M {{ optimizer adamw(lr: 0.25); }} train Slow of M {{ optimizer adamw(lr: 0.125); }}"),
            ("second.mdl", "import \"first.mdl\"; train Slow of M { optimizer adamw(lr: 0.0625); } train Last of M { recompute layers; } train Other of Unknown { }"));
        Assert.Empty(compilation.Diagnostics);
        var trains = Assert.Single(compilation.Models).Trains;
        Assert.Equal([("Own", 3e-4), ("Fast", 0.5), ("Slow", 0.125), ("Last", 3e-4)], trains.Select(t => (t.Name, t.LearningRate)));
        Assert.True(trains[3].RecomputeLayers);
    }

    [Fact]
    public void AMistakeInImportedTrainingSettingsIsToldInItsOwnFile()
    {
        const string Twice = "block Twice(x: [.., D]) -> [.., D] { return 2 * x; }";
        var imported = $"{Model} {Twice} train Bad of M {{ optimizer adamw(lr: 0 - 1); }}";
        Assert.Empty(Bound.File($"import \"first.mdl\"; {Preset}", ("first.mdl", imported)).Diagnostics);
        Assert.Equal(DiagnosticIds.TrainSetting, Assert.Single(Bound.File(imported).Diagnostics).Id);
    }

    [Fact]
    public void FilesThatImportEachOtherAreTold()
    {
        var compilation = Bound.File("import \"other.mdl\";", ("other.mdl", "import \"test.mdl\";"));
        Assert.Equal("files import each other: test.mdl imports other.mdl imports test.mdl", Assert.Single(compilation.Diagnostics).Message);
    }

    [Fact]
    public void AMissingFileOfAnImportIsTold()
    {
        var compilation = Bound.File("import \"other.mdl\";", ("other.mdl", "import \"gone.mdl\";"));
        Assert.Equal("there is no file gone.mdl, imported by other.mdl", Assert.Single(compilation.Diagnostics).Message);
    }

    [Fact]
    public void AnErrorInAnImportedBlockIsToldThere()
    {
        var compilation = Bound.File($"import \"other.mdl\"; {Preset}", ("other.mdl", $"{Model}\nblock Twice(x: [.., D]) -> [.., D] {{ param w: [3, 3]; return x @ w; }}"));
        var diagnostic = Assert.Single(compilation.Diagnostics);
        Assert.Equal(("other.mdl", "`x @ w` contracts 4 with 3"), (diagnostic.Path, diagnostic.Message));
    }

    [Fact]
    public void ANameDeclaredTwiceIsTold()
    {
        var compilation = Bound.File("import \"other.mdl\"; block Twice(x: [D]) { return x; }", ("other.mdl", "block Twice(x: [D]) { return x; }"));
        Assert.Equal("`Twice` is declared already, in test.mdl line 1", Assert.Single(compilation.Diagnostics).Message);
    }

    [Fact]
    public void AFileMayHaveItsOwnSilu()
    {
        var compilation = Bound.File("function silu(x: [..]) -> [..] { return 7 * x; }\n" + Model.Replace("Twice", "SwiGlu").Replace("SwiGlu()", "SwiGlu(8)") + Preset);
        Assert.Empty(compilation.Diagnostics);
        Assert.DoesNotContain(compilation.Models[0].Forward.All<Mdl.Dsl.Graphs.Constant>(), c => c.Value == 7);
    }
}
