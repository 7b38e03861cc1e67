using Mdl.Compiler;
using Mdl.Dsl;
using Mdl.Generators.Tests.Support;
using Xunit;

namespace Mdl.Generators.Tests;

public class IncrementalityTests
{
    [Fact]
    public void A_file_becomes_a_source()
    {
        var project = GeneratorProject.With(("models/ling.mdl", "module Ling;")) with { Compile = Echo.Compile };
        var run = project.Run();
        Assert.Equal(["models.ling/Echo.g.cs"], run.Sources.Keys);
    }
}
