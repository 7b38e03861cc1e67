using System.Diagnostics;
using System.Globalization;
using Mdl.Generators.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace Mdl.Generators.Tests;

/// <summary>What an edit and a build cost. The best of several is taken: the machine may have other work.</summary>
[Collection("alone")]
public class TimingTests(ITestOutputHelper output)
{
    [Fact]
    public void Point_30_an_edit_of_a_large_file_regenerates_in_100_ms()
    {
        var project = GeneratorProject.With(("ling.mdl", Samples.Ling));
        var run = project.Run();
        var times = new List<double>();
        for (var i = 0; i < 15; i++)
        {
            var edited = project.WithFile("ling.mdl", Samples.Ling.Replace("0.001", $"0.001{i}", StringComparison.Ordinal));
            var driver = run.Edit(edited);
            var compilation = edited.Compilation();
            var watch = Stopwatch.StartNew();
            driver.RunGenerators(compilation);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"warm edit {times.Min():F1} ms"));
        Assert.True(times.Min() < 100, $"{times.Min():F1} ms");
    }

    [Fact]
    public void Point_30_a_keystroke_in_csharp_costs_next_to_nothing()
    {
        var project = GeneratorProject.With(("ling.mdl", Samples.Ling));
        var run = project.Run();
        var driver = run.Edit(project);
        var times = new List<double>();
        for (var i = 0; i < 15; i++)
        {
            var compilation = (project with { CSharp = project.CSharp + $" // {i}" }).Compilation();
            var watch = Stopwatch.StartNew();
            driver.RunGenerators(compilation);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        // 2 ms are for Roslyn's own walk over the steps and its parse of nothing.
        Assert.True(times.Min() < 2, $"{times.Min():F1} ms");
    }

    [Fact]
    public void Point_30_a_fresh_process_generates_in_800_ms()
    {
        var lines = Enumerable.Range(0, 3)
            .Select(_ => Tool.Run("dotnet", $"exec \"{typeof(TimingTests).Assembly.Location}\" cold \"{Path.Combine(Repository.Root, "samples/LingNano/ling.mdl")}\"", Repository.Root))
            .Select(result => result.ExitCode == 0 ? result.Output.Trim() : throw new InvalidOperationException(result.Output))
            .ToArray();
        Assert.All(lines, output.WriteLine);
        var best = lines.Min(line => double.Parse(line.Split(' ')[7], CultureInfo.InvariantCulture));
        Assert.True(best < 800, lines[0]);
    }
}

/// <summary>Tests that want the machine for themselves.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public class Alone;
