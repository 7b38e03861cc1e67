namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>What becomes of the names of added tokens, such as <c>&lt;|endoftext|&gt;</c>, that stand in a text.</summary>
public enum SpecialTokens
{
    /// <summary>They are text like any other. For whatever a user or a tool wrote: it cannot end a message or change its role.</summary>
    AsText,

    /// <summary>They are the tokens they name, as in Hugging Face's tokenizers.</summary>
    Parse,
}

/// <summary>A piece of a text whose pieces come from different hands.</summary>
/// <param name="Text">The characters.</param>
/// <param name="Special">What becomes of names of added tokens within it. A name that begins in one piece and ends in another is text.</param>
public readonly record struct TextPart(string Text, SpecialTokens Special);
