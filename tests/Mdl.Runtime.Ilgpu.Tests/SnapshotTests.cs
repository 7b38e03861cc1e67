using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.EndToEnd.Tests;

namespace Mdl.Runtime.Ilgpu.Tests;

/// <summary>The files that are generated for ILGPU devices only.</summary>
public sealed class SnapshotTests
{
    [Theory]
    [InlineData("ling.mdl", "LingNano")]
    [InlineData("zoo.mdl", "SwitchCapacity")]
    public void Generated_files_are_as_before(string source, string model)
    {
        using var stream = typeof(SnapshotTests).Assembly.GetManifestResourceStream(source)!;
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd().ReplaceLineEndings("\n");
        var result = MdlCompiler.Compile(new SourceText(source, text), _ => null, new CompileOptions("Mdl", EmitIlgpu: true), default);
        Assert.DoesNotContain(result.Diagnostics, d => d.Severity == Severity.Error);
        var files = result.Files.Where(f => f.Name.StartsWith(model + ".", StringComparison.Ordinal) && f.Name.EndsWith(".Ilgpu.g.cs", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, files.Count);
        Assert.All(files, file => Snapshots.Match(file.Text, file.Name));
    }
}
