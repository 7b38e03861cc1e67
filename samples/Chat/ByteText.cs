using System.Text;

namespace Ling.Chat;

/// <summary>Text for models without a tokenizer: the tokens are bytes, and turns are lines.</summary>
public sealed class ByteText(string? system) : IConversationText
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly char[] _text = new char[8];
    private readonly byte[] _byte = new byte[1];

    public IReadOnlyList<int> StopTokens => [];

    public IReadOnlyList<int> AnswerEnd => ['\n'];

    public IReadOnlyList<int> Head() => Bytes(system is null ? "" : system + "\n");

    public IReadOnlyList<int> Question(string text) => Bytes(text + "\n");

    /// <remarks>Numbers beyond the bytes, which models with a large vocabulary draw, show as a dot.</remarks>
    public ReadOnlySpan<char> Append(int token)
    {
        _byte[0] = token < 256 ? (byte)token : (byte)'.';
        return _text.AsSpan(0, _decoder.GetChars(_byte, _text, flush: false));
    }

    public ReadOnlySpan<char> Flush() => _text.AsSpan(0, _decoder.GetChars([], _text, flush: true));

    private static int[] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];
}
