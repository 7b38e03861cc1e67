using System.Text;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>
/// Turns tokens into text as they come. A character whose bytes are spread over several tokens appears with the last of them; the texts together are
/// what <see cref="Tokenizer.Decode"/> gives for all tokens. Appending allocates nothing.
/// </summary>
/// <param name="tokenizer">Whose tokens they are.</param>
/// <param name="skipSpecial">Leave out markup.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool skipSpecial = false)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    // What a broken character leaves behind comes with the next bytes: at most three U+FFFD more than there are bytes.
    private readonly char[] _text = new char[tokenizer.Bytes.Longest + 4];

    /// <summary>Takes a token.</summary>
    /// <returns>The characters that are complete now; valid until the next call.</returns>
    public ReadOnlySpan<char> Append(int token) =>
        skipSpecial && tokenizer.IsSpecial(token) ? [] : _text.AsSpan(0, _decoder.GetChars(tokenizer.Bytes[token], _text, flush: false));

    /// <summary>Ends the text and makes ready for another.</summary>
    /// <returns>U+FFFD if bytes of an incomplete character are left; valid until the next call.</returns>
    public ReadOnlySpan<char> Flush() => _text.AsSpan(0, _decoder.GetChars([], _text, flush: true));
}
