using Mdl.Runtime.Text.Chat;

namespace Ling.FineTune.Data;

/// <summary>How text and conversations become tokens, and tokens text.</summary>
public interface IExampleText
{
    /// <summary>Tokens that end an answer.</summary>
    IReadOnlyList<int> StopTokens { get; }

    /// <summary>A conversation in pieces; a piece is learnt if it is what the model is to say, its end included.</summary>
    IEnumerable<(int[] Tokens, bool IsAnswer)> Pieces(IReadOnlyList<ChatMessage> messages);

    int[] Encode(string text);

    string Decode(ReadOnlySpan<int> tokens);
}
