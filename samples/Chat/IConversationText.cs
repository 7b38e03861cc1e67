namespace Ling.Chat;

/// <summary>How a conversation becomes tokens, and an answer's tokens text.</summary>
public interface IConversationText
{
    /// <summary>Tokens that end an answer.</summary>
    IReadOnlyList<int> StopTokens { get; }

    /// <summary>What a conversation begins with.</summary>
    IReadOnlyList<int> Head();

    /// <summary>The tokens of a question, up to where the answer begins.</summary>
    IReadOnlyList<int> Question(string text);

    /// <summary>What comes behind an answer, whether it ended by itself or not.</summary>
    IReadOnlyList<int> AnswerEnd { get; }

    /// <summary>The text that a token of an answer completes; valid until the next call.</summary>
    ReadOnlySpan<char> Append(int token);

    /// <summary>The rest of an answer's text.</summary>
    ReadOnlySpan<char> Flush();
}
