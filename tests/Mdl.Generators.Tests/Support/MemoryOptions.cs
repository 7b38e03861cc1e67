using System.Diagnostics.CodeAnalysis;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Mdl.Generators.Tests.Support;

/// <summary>Global options, and options of single files by the end of their path.</summary>
internal sealed class MemoryOptions(IReadOnlyDictionary<string, string> global, IReadOnlyDictionary<string, Dictionary<string, string>> files)
    : AnalyzerConfigOptionsProvider
{
    public override AnalyzerConfigOptions GlobalOptions { get; } = new Values(global);

    public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => new Values(global);

    public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) =>
        new Values(files.FirstOrDefault(file => textFile.Path.EndsWith(file.Key, StringComparison.Ordinal)).Value ?? []);

    private sealed class Values(IReadOnlyDictionary<string, string> values) : AnalyzerConfigOptions
    {
        // Roslyn compares keys without regard to case and hands them out in lower case.
        private readonly Dictionary<string, string> _values = values.ToDictionary(v => v.Key.ToLowerInvariant(), v => v.Value, KeyComparer);

        public override IEnumerable<string> Keys => _values.Keys;

        public override bool TryGetValue(string key, [NotNullWhen(true)] out string? value) => _values.TryGetValue(key, out value);
    }
}
