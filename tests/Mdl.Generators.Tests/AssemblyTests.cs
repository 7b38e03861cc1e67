using System.Reflection;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Mdl.Generators.Reporting;
using Mdl.Generators.Tests.Support;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Mdl.Generators.Tests;

/// <summary>What the compiler demands of the assemblies it loads.</summary>
public class AssemblyTests
{
    private static readonly Assembly[] Loaded = [typeof(MdlGenerator).Assembly, typeof(Compiler.MdlCompiler).Assembly, typeof(Dsl.SourceText).Assembly];

    [Fact]
    public void Point_20_the_rules_for_analyzers_are_on_and_warnings_are_errors()
    {
        var project = File.ReadAllText(Path.Combine(Repository.Root, "Generators/Mdl.Generators/Mdl.Generators.csproj"));
        Assert.Contains("<EnforceExtendedAnalyzerRules>true</EnforceExtendedAnalyzerRules>", project, StringComparison.Ordinal);
        Assert.DoesNotContain("NoWarn>RS1", project, StringComparison.Ordinal);
        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", File.ReadAllText(Path.Combine(Repository.Root, "Directory.Build.props")), StringComparison.Ordinal);
    }

    [Fact]
    public void Point_20_nothing_that_the_generator_runs_touches_files_or_the_environment()
    {
        // The rules look at the generator's own project only; the compiler behind it runs in the same process.
        var banned = new Regex(
            @"(?<![.\w])((File|Directory|Environment|Process|Console)\s*\.\s*\w|Assembly\.Load|Path\.GetTemp|DateTime\.(Utc)?Now|Guid\.NewGuid)|\[ThreadStatic");
        var hits =
            from folder in new[] { "Dsl", "Generators/Mdl.Compiler", "Generators/Mdl.Generators" }
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            where !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)
            from line in File.ReadLines(file)
            where !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && !line.Contains('"', StringComparison.Ordinal) && banned.IsMatch(line)
            select $"{Path.GetFileName(file)}: {line.Trim()}";
        Assert.Empty(hits);
    }

    [Fact]
    public void Point_21_the_release_file_lists_every_diagnostic_once()
    {
        var rows = File.ReadLines(Path.Combine(Repository.Root, "Generators/Mdl.Generators/AnalyzerReleases.Unshipped.md"))
            .Where(line => line.StartsWith("MDL", StringComparison.Ordinal))
            .Select(line => string.Join(" | ", line.Split('|').Select(cell => cell.Trim())));
        Assert.Equal(Descriptors.All.Select(d => $"{d.Id} | {d.Category} | {d.DefaultSeverity} | {d.Title}").Order(StringComparer.Ordinal), rows);
    }

    [Fact]
    public void Point_21_ids_are_unique_and_have_a_page()
    {
        Assert.Equal(Descriptors.All.Length, Descriptors.All.Select(descriptor => descriptor.Id).Distinct().Count());
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs/diagnostics.md"));
        Assert.All(Descriptors.All, descriptor =>
        {
            Assert.Matches("^MDL[0-9]{4}$", descriptor.Id);
            Assert.Contains($"### {descriptor.Id}\n", page, StringComparison.Ordinal);
            Assert.Equal("docs/diagnostics.md#" + descriptor.Id.ToLowerInvariant(), descriptor.HelpLinkUri);
        });
    }

    [Fact]
    public void Point_22_all_assemblies_are_netstandard20_and_stand_on_what_travels_or_comes_with_Roslyn()
    {
        string[] allowed =
        [
            "netstandard", "Microsoft.CodeAnalysis", "Microsoft.CodeAnalysis.CSharp", "System.Collections.Immutable", "System.Memory", "System.Buffers",
            "System.Runtime.CompilerServices.Unsafe", "System.Numerics.Vectors", "Sprache", "Mdl.Dsl", "Mdl.Compiler",
        ];
        foreach (var assembly in Loaded)
        {
            Assert.Equal(".NETStandard,Version=v2.0", assembly.GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName);
            Assert.Empty(assembly.GetReferencedAssemblies().Select(name => name.Name!).Except(allowed));
        }
    }

    [Fact]
    public void Point_23_the_Roslyn_floor_is_the_declared_one()
    {
        var roslyn = typeof(MdlGenerator).Assembly.GetReferencedAssemblies().Single(name => name.Name == "Microsoft.CodeAnalysis");
        Assert.Equal(new Version(4, 14, 0, 0), roslyn.Version);
    }

    [Fact]
    public void Points_23_and_26_the_runtime_is_what_sets_the_oldest_SDK_and_the_one_target_framework()
    {
        // Roslyn 4.14 comes with the SDK 9.0.300, which cannot build for net10.0: the oldest SDK for both is the one that PackageTests builds with.
        // With an older or a second target framework, PackageTests must build on the oldest SDK, and for both frameworks.
        var project = System.Xml.Linq.XDocument.Load(Path.Combine(Repository.Root, "Runtime/Mdl.Runtime/Mdl.Runtime.csproj"));
        Assert.Equal("net10.0", project.Descendants("TargetFramework").Single().Value);
        Assert.Empty(project.Descendants("TargetFrameworks"));
        Assert.Equal(10, Environment.Version.Major);
    }

    [Fact]
    public void No_assembly_keeps_state_that_can_change()
    {
        var fields =
            from assembly in Loaded
            from type in assembly.GetTypes()
            where !type.FullName!.Contains('<', StringComparison.Ordinal)
            from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            where !field.IsLiteral && !field.IsInitOnly
            select $"{type.FullName}.{field.Name}";
        Assert.Empty(fields);
    }

    [Fact]
    public void Generator_and_analyzer_are_found_by_their_attributes()
    {
        Assert.NotNull(typeof(MdlGenerator).GetCustomAttribute<GeneratorAttribute>());
        Assert.Equal([LanguageNames.CSharp], typeof(MdlAnalyzer).GetCustomAttribute<Microsoft.CodeAnalysis.Diagnostics.DiagnosticAnalyzerAttribute>()!.Languages);
        Assert.Equal(Descriptors.All, new MdlAnalyzer().SupportedDiagnostics);
    }
}
