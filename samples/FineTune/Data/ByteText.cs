using System.Text;
using Mdl.Runtime.Text.Chat;

namespace Ling.FineTune.Data;

/// <summary>Text for models without a tokenizer: the tokens are bytes, and each message is a line.</summary>
public sealed class ByteText(string? system) : IExampleText
{
    public IReadOnlyList<int> StopTokens => ['\n'];

    public IEnumerable<(int[] Tokens, bool IsAnswer)> Pieces(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (system is not null && messages[0].Role != ChatRole.System)
        {
            yield return (Encode(system + "\n"), false);
        }

        foreach (var message in messages)
        {
            yield return (Encode(message.Content + "\n"), message.Role == ChatRole.Assistant);
        }
    }

    public int[] Encode(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];

    /// <remarks>Numbers beyond the bytes show as a dot.</remarks>
    public string Decode(ReadOnlySpan<int> tokens) => Encoding.UTF8.GetString([.. tokens.ToArray().Select(t => t < 256 ? (byte)t : (byte)'.')]);
}
