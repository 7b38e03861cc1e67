using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Mdl.Compiler;
using Mdl.Dsl;

namespace Mdl.EndToEnd.Tests;

/// <summary>Every file that is generated for the sample and for the models of the tests; see <see cref="Snapshots"/> for how to write them anew.</summary>
public sealed class SnapshotTests
{
    private static readonly string[] Sources = ["ling.mdl", "tiny.mdl", "sparse.mdl", "zoo.mdl", "foreign.mdl", "mixed.mdl", "names.mdl", "tuned.mdl", "ling-lite.mdl", "diffusion.mdl", "learned.mdl"];

    // Presets of one model differ in numbers: the programs of one of them are kept whole, those of the others as digests.
    private static readonly string[] WholePrograms = ["LingNano", "DenseSmall", "SwitchCapacity", "OddOne", "Plane"];

    public static TheoryData<string> Files => [.. Sources];

    [Theory]
    [MemberData(nameof(Files))]
    public void Generated_files_are_as_before(string source)
    {
        var digests = new StringBuilder();
        foreach (var file in Generate(source))
        {
            var isProgram = file.Name.EndsWith(".Training.g.cs", StringComparison.Ordinal) || file.Name.EndsWith(".Inference.g.cs", StringComparison.Ordinal)
                || file.Name.EndsWith(".Denoising.g.cs", StringComparison.Ordinal) || file.Name.EndsWith(".Pullback.g.cs", StringComparison.Ordinal) || file.Name.Contains(".Draft", StringComparison.Ordinal);
            if (!isProgram || WholePrograms.Contains(file.Name[..file.Name.IndexOf('.', StringComparison.Ordinal)]))
            {
                Snapshots.Match(file.Text, file.Name);
            }

            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file.Text)));
            digests.Append(CultureInfo.InvariantCulture, $"{hash} {file.Text.Length,7} {file.Name}\n");
        }

        Snapshots.Match(digests.ToString(), source + ".digests");
    }

    [Fact]
    public void Code_does_not_grow_with_the_number_of_layers()
    {
        var sizes = Generate("ling.mdl").GroupBy(f => f.Name[..f.Name.IndexOf('.', StringComparison.Ordinal)]).ToDictionary(g => g.Key, g => g.Sum(f => f.Text.Length));
        Assert.Equal(["Ling1T", "LingFlash", "LingMini", "LingNano"], sizes.Keys.Order(StringComparer.Ordinal));
        // Twenty times the layers and eight times the experts are larger numbers, which take more digits, in the same code.
        Assert.All(sizes.Values, size => Assert.InRange(size, sizes["LingNano"], sizes["LingNano"] * 1.05));
    }

    private static IReadOnlyList<GeneratedFile> Generate(string source)
    {
        using var stream = typeof(SnapshotTests).Assembly.GetManifestResourceStream(source)!;
        using var reader = new StreamReader(stream);
        // As Git may have checked it out on Windows: what is generated must not depend on it.
        var text = reader.ReadToEnd().ReplaceLineEndings("\n");
        var result = MdlCompiler.Compile(new SourceText(source, text), _ => null, new CompileOptions("Mdl", false), default);
        Assert.DoesNotContain(result.Diagnostics, d => d.Severity == Severity.Error);
        return [.. result.Files];
    }
}
