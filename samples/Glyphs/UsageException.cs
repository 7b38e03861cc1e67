namespace Glyphs.Sample;

/// <summary>Something that the user can put right; its message is all that is shown.</summary>
internal sealed class UsageException(string message) : Exception(message);
