using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Mdl.Generators.Tests.Support;

/// <summary>An additional file in memory; each object is a new one to the driver, whatever its text.</summary>
internal sealed class MemoryText(string path, string? text) : AdditionalText
{
    public override string Path => path;

    public override SourceText? GetText(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return text is null ? null : SourceText.From(text, Encoding.UTF8);
    }
}
