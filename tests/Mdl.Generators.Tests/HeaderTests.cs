using Mdl.Generators.Inputs;
using Mdl.Generators.Project;
using Xunit;

namespace Mdl.Generators.Tests;

public class HeaderTests
{
    [Theory]
    [InlineData("import \"b.mdl\";", "b.mdl,m/b.mdl")]
    [InlineData("module X; import   \"../c.mdl\"; import \"./d.mdl\";", "../c.mdl,c.mdl d.mdl,m/d.mdl")]
    [InlineData("// import \"b.mdl\";\n/* import \"b.mdl\"; */ x = \"import\"; reimport \"b.mdl\";", "")]
    [InlineData("import \"b.mdl", "")]
    [InlineData("import \"\nimport \"b.mdl\";", "b.mdl,m/b.mdl")]
    [InlineData("import", "")]
    [InlineData("/* import \"b.mdl\";", "")]
    [InlineData("/*", "")]
    public void Imports_are_found_without_a_parser(string text, string expected)
    {
        foreach (var (path, index) in new[] { ("a.mdl", 0), ("m/a.mdl", 1) })
        {
            var imports = FileHeader.Scan(new(path, text), CancellationToken.None).Imports;
            var paths = expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split(',')[index]).Order(StringComparer.Ordinal);
            Assert.Equal(paths, imports);
        }
    }

    [Fact]
    public void A_closure_follows_imports_through_cycles_and_leaves_out_what_is_missing()
    {
        var index = ProjectIndex.Create(
        [
            new("a", ["b", "gone"]), new("b", ["c"]), new("c", ["a"]), new("d", ["a"]),
        ]);
        Assert.Equal(["b", "c"], index.Closure("a"));
        Assert.Equal(["a", "b", "c"], index.Closure("d"));
        Assert.True(index.IsImported("a"));
        Assert.False(index.IsImported("d"));
    }
}
