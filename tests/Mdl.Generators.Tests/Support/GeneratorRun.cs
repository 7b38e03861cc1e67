using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Mdl.Generators.Tests.Support;

/// <summary>What one run of the generator left.</summary>
internal sealed class GeneratorRun(GeneratorProject project, GeneratorDriver driver, CSharpCompilation output)
{
    public GeneratorRunResult Result { get; } = Checked(driver.GetRunResult().Results.Single());

    /// <summary>The project's compilation with the generated sources in it.</summary>
    public CSharpCompilation Output => output;

    public ImmutableDictionary<string, string> Sources => Result.GeneratedSources.ToImmutableDictionary(s => s.HintName, s => s.SourceText.ToString());

    /// <summary>Diagnostics as "MDL0001 path(line,column)-(line,column)", 1-based.</summary>
    public IEnumerable<string> Places => Result.Diagnostics.Select(Place);

    public static string Place(Diagnostic diagnostic)
    {
        var span = diagnostic.Location.GetLineSpan();
        var (start, end) = (span.StartLinePosition, span.EndLinePosition);
        return $"{diagnostic.Id} {span.Path}({start.Line + 1},{start.Character + 1})-({end.Line + 1},{end.Character + 1})";
    }

    /// <summary>Why each output of each step was what it was, a line for a step: "Units: Cached Modified"; then the same for what was added.</summary>
    public string Reasons => string.Concat(TrackingNames.All
        .Where(name => Result.TrackedSteps.ContainsKey(name))
        .Select(name => Line(name, Result.TrackedSteps[name]))
        .Append(Line("Output", Result.TrackedOutputSteps.SelectMany(step => step.Value))));

    private static string Line(string name, IEnumerable<IncrementalGeneratorRunStep> steps) =>
        $"{name}: {string.Join(" ", steps.SelectMany(step => step.Outputs).Select(output => output.Reason.ToString()).Order(StringComparer.Ordinal))}\n";

    /// <summary>The driver with the inputs of an edited project in place of its own; inputs that are as before stay the same objects.</summary>
    public GeneratorDriver Edit(GeneratorProject edited)
    {
        Assert.Equal(project.Root, edited.Root);
        var next = driver.ReplaceAdditionalTexts(edited.Texts()).WithUpdatedParseOptions(edited.ParseOptions);
        return ReferenceEquals(project.Settings, edited.Settings) ? next : next.WithUpdatedAnalyzerConfigOptions(edited.Options());
    }

    private static GeneratorRunResult Checked(GeneratorRunResult result)
    {
        Assert.Null(result.Exception);
        return result;
    }
}
