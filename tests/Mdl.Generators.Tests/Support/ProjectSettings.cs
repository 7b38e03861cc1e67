using System.Collections.Immutable;

namespace Mdl.Generators.Tests.Support;

/// <summary>Build properties, global configuration keys, and keys for single files by the end of their path.</summary>
internal sealed record ProjectSettings
{
    public ImmutableDictionary<string, string> Global { get; init; } =
        ImmutableDictionary<string, string>.Empty.Add("build_property.RootNamespace", "Sample");

    public ImmutableDictionary<string, Dictionary<string, string>> Files { get; init; } = ImmutableDictionary<string, Dictionary<string, string>>.Empty;
}
