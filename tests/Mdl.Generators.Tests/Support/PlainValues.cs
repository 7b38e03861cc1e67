using System.Collections;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Xunit;

namespace Mdl.Generators.Tests.Support;

/// <summary>Walks everything that the generator's steps hold and fails for what would keep a compilation alive or compare by reference.</summary>
internal static class PlainValues
{
    private static readonly Type[] Banned =
    [
        typeof(ISymbol), typeof(SyntaxNode), typeof(SyntaxTree), typeof(Compilation), typeof(Location), typeof(Diagnostic), typeof(AdditionalText),
        typeof(Microsoft.CodeAnalysis.Text.SourceText), typeof(MetadataReference), typeof(Microsoft.CodeAnalysis.Diagnostics.AnalyzerConfigOptions),
        typeof(Microsoft.CodeAnalysis.Diagnostics.AnalyzerConfigOptionsProvider), typeof(ParseOptions), typeof(Delegate), typeof(Exception),
    ];

    public static void Check(GeneratorRunResult result)
    {
        foreach (var name in TrackingNames.All)
        {
            foreach (var step in result.TrackedSteps.TryGetValue(name, out var steps) ? steps : [])
            {
                foreach (var (value, _) in step.Outputs)
                {
                    Walk(value, name);
                }
            }
        }
    }

    /// <summary>Fails if something that a step must not hold can be reached from a value.</summary>
    public static void Walk(object? value, string path) => Walk(value, path, new(ReferenceEqualityComparer.Instance));

    private static void Walk(object? value, string path, HashSet<object> seen)
    {
        if (value is null || !seen.Add(value))
        {
            return;
        }

        var type = value.GetType();
        Assert.False(Array.Exists(Banned, banned => banned.IsAssignableFrom(type)), $"{path} holds a {type}");
        if (type.IsPrimitive || type.IsEnum || value is string)
        {
            return;
        }

        if (value is IEnumerable items)
        {
            foreach (var item in items)
            {
                Walk(item, path + "[]", seen);
            }

            return;
        }

        foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            Walk(field.GetValue(value), $"{path}.{field.Name}", seen);
        }
    }
}
