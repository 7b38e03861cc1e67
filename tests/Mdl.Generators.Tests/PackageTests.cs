using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mdl.Generators.Tests.Support;
using Xunit;

namespace Mdl.Generators.Tests;

/// <summary>The package as others see it: restored from a feed into empty projects.</summary>
[Collection("alone")]
public partial class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    private static readonly string[] Analyzers = ["Mdl.Compiler.dll", "Mdl.Dsl.dll", "Mdl.Generators.dll", "Sprache.dll"];

    private const string Properties = "<TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><TreatWarningsAsErrors>true</TreatWarningsAsErrors><NuGetAudit>false</NuGetAudit>";

    [Fact]
    public void Point_24_what_the_generator_stands_on_lies_beside_it()
    {
        var files = feed.PackageFiles();
        Assert.Equal(Analyzers.Select(name => "analyzers/dotnet/cs/" + name), files.Where(file => file.StartsWith("analyzers/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(["lib/net10.0/Mdl.Runtime.dll", "lib/net10.0/Mdl.Runtime.xml"], files.Where(file => file.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Superset(
            new HashSet<string> { "build/Mdl.props", "build/Mdl.targets", "build/Mdl.Live.globalconfig", "buildTransitive/Mdl.props", "buildTransitive/Mdl.targets" },
            files.ToHashSet());
    }

    [Fact]
    public void The_generator_is_also_there_compiled_ahead_of_time_for_this_machine_only()
    {
        var tools = feed.PackageFiles().Where(file => file.StartsWith("tools/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(Precompiled.Exists ? Analyzers.Select(name => $"tools/{Precompiled.Machine}/{name}") : [], tools);
        foreach (var tool in tools)
        {
            using var plain = feed.PackageFile("analyzers/dotnet/cs/" + Path.GetFileName(tool));
            using var precompiled = feed.PackageFile(tool);
            Assert.True(Precompiled.IsPlain(plain));
            Assert.False(Precompiled.IsPlain(precompiled));
            Assert.Equal(Precompiled.Identity(plain), Precompiled.Identity(precompiled));
        }
    }

    [Fact]
    public void The_package_asks_for_what_the_runtime_asks_for()
    {
        var runtime = XDocument.Load(Path.Combine(Repository.Root, "Runtime/Mdl.Runtime/Mdl.Runtime.csproj"))
            .Descendants("PackageReference").Where(item => (string?)item.Attribute("PrivateAssets") != "all").Select(item => item.Attribute("Include")!.Value);
        var package = XDocument.Parse(feed.Nuspec()).Descendants().Where(item => item.Name.LocalName == "dependency").Select(item => item.Attribute("id")!.Value);
        Assert.Equal(runtime.Order(StringComparer.Ordinal), package.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Points_22_to_27_a_library_and_an_application_build_from_the_package_and_run()
    {
        WriteProjects("run");
        var log = feed.Dotnet("build App -c Release -v n", "run");
        Assert.DoesNotContain("CS8032", log, StringComparison.Ordinal);
        Assert.DoesNotContain("CS8785", log, StringComparison.Ordinal);
        Assert.Equal(Analyzers.Select(name => (Precompiled.Exists ? $"tools/{Precompiled.Machine}/" : "analyzers/dotnet/cs/") + name), Loaded(log));
        var generated = Generated();
        Assert.NotEmpty(generated);

        // The generated files that the first build wrote into the project must not be compiled a second time; from the plain assemblies they are the same.
        log = feed.Dotnet("build App -c Release --no-restore --no-incremental -v n -p:MdlPrecompiled=false", "run");
        Assert.Equal(Analyzers.Select(name => "analyzers/dotnet/cs/" + name), Loaded(log));
        Assert.Equal(generated, Generated());
        Assert.Equal("1024 and 2048", feed.Dotnet("App/bin/Release/net10.0/App.dll", "run").Trim());

        (string, string)[] Generated() =>
        [
            .. Directory.GetFiles(Path.Combine(feed.Folder, "run/Library/Generated"), "*.cs", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal).Select(file => (file, File.ReadAllText(file))),
        ];
    }

    [Fact]
    public void Point_26_an_application_publishes_ahead_of_time_and_runs()
    {
        WriteProjects("aot");
        var log = feed.Dotnet($"publish App -c Release -r {RuntimeInformation.RuntimeIdentifier} -p:PublishAot=true -o out", "aot");
        Assert.DoesNotMatch(@"warning IL\d+", log);
        var (exit, output) = Tool.Run(Path.Combine(feed.Folder, "aot/out", OperatingSystem.IsWindows() ? "App.exe" : "App"), "", feed.Folder);
        Assert.Equal((0, "1024 and 2048"), (exit, output.Trim()));
    }

    [Theory]
    [InlineData("generator", "")]
    [InlineData("analyzers-off", "-p:RunAnalyzers=false")]
    [InlineData("editor", "-p:MdlLiveDiagnostics=true")]
    public void Point_16_a_build_tells_each_mistake_once(string name, string arguments)
    {
        feed.Write($"{name}/Broken.csproj", $"""<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>{Properties}</PropertyGroup><ItemGroup><PackageReference Include="Mdl" Version="*" /></ItemGroup></Project>""");
        feed.Write($"{name}/broken.mdl", Samples.Tiny + "\nblock First(x: [B) { return x; }\nblock Second(x: [B, T]) -> [B, T] { return (x; }\n");
        feed.Write($"{name}/bin/ignored.mdl", "this is no model");

        // In a signature: the compiler then gives up before it has asked its analyzers, so this is left out where the analyzer reports.
        feed.Write($"{name}/User.cs", name == "editor" ? "" : "internal interface IUser { Missing.Model Model { get; } }");
        var (exit, log) = feed.TryDotnet($"build -c Release {arguments}", name);
        Assert.NotEqual(0, exit);

        // The summary after this line says everything again.
        var errors = MdlErrors().Matches(log.Split("Build FAILED")[0]).Select(match => match.Value).ToArray();
        Assert.Equal(["broken.mdl(12,18): error MDL0001", "broken.mdl(13,46): error MDL0001"], errors);
    }

    [GeneratedRegex(@"\w+\.mdl\(\d+,\d+\): error MDL\d+")]
    private static partial Regex MdlErrors();

    /// <summary>What of the package the compiler was told to load, as its log says.</summary>
    private static IEnumerable<string> Loaded(string log) =>
        AnalyzerArguments().Matches(log).Select(match => match.Groups[1].Value).Distinct().OrderBy(Path.GetFileName, StringComparer.Ordinal);

    [GeneratedRegex(@"/analyzer:\S*/mdl/[^/\s]+/(?:build/\.\./)?(\S+\.dll)")]
    private static partial Regex AnalyzerArguments();

    /// <summary>A library with a model of its own and one from above its folder, and an application that sees the package through the library only.</summary>
    private void WriteProjects(string folder)
    {
        feed.Write($"{folder}/shared/tiny.mdl", Samples.Tiny);
        feed.Write($"{folder}/Library/models/large.mdl", Samples.Tiny.Replace("Tiny", "Large", StringComparison.Ordinal).Replace("vocab: 32", "vocab: 64", StringComparison.Ordinal));
        feed.Write($"{folder}/Library/Library.csproj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                {Properties}
                <IsAotCompatible>true</IsAotCompatible>
                <EmitCompilerGeneratedFiles>true</EmitCompilerGeneratedFiles>
                <CompilerGeneratedFilesOutputPath>Generated</CompilerGeneratedFilesOutputPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Mdl" Version="*" />
                <AdditionalFiles Include="../shared/tiny.mdl" />
              </ItemGroup>
            </Project>
            """);
        feed.Write($"{folder}/App/App.csproj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                {Properties}
                <OutputType>Exe</OutputType>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="../Library/Library.csproj" />
              </ItemGroup>
            </Project>
            """);
        feed.Write($"{folder}/App/Program.cs",
            """
            using var tiny = Tiny.TinyNano.Create();
            using var large = Large.LargeNano.Create();
            System.Console.WriteLine($"{tiny.Info.ParameterCount} and {large.Info.ParameterCount}");
            """);
    }
}
