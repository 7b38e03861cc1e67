using System.Text;
using Mdl.Runtime.Text.Chat;

namespace Ling.FineTune.Data;

/// <summary>Makes examples of a file.</summary>
public static class DataLoader
{
    private const int PromptTokens = 32;

    /// <param name="path">Conversations if it ends in .jsonl, plain text otherwise.</param>
    /// <param name="text">How text becomes tokens.</param>
    /// <param name="length">Predicted tokens in a sequence.</param>
    /// <param name="prompt">A question to use instead of one of the file, or null.</param>
    /// <exception cref="UsageException">There is something wrong in the file; the message says where.</exception>
    public static Dataset Load(string path, IExampleText text, int length, string? prompt)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(text);
        return path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) ? Conversations(path, text, length, prompt) : PlainText(path, text, length, prompt);
    }

    private static Dataset Conversations(string path, IExampleText text, int length, string? prompt)
    {
        var conversations = ChatFile.Read(path);
        var examples = new List<Example>();
        foreach (var (line, messages) in conversations)
        {
            var pieces = text.Pieces(messages).ToList();
            int[] tokens = [.. pieces.SelectMany(p => p.Tokens)];
            if (tokens.Length > length + 1)
            {
                throw new UsageException($"{path}({line}): the conversation has {tokens.Length} tokens; with --length {length} it may have {length + 1}.");
            }

            examples.Add(new(tokens, [.. pieces.SelectMany(p => Enumerable.Repeat(p.IsAnswer ? 1f : 0f, p.Tokens.Length))]));
        }

        return Dataset.Of(path, examples, i => prompt is null
            ? Question(text, conversations[i].Messages)
            : Question(text, [new(ChatRole.Human, prompt), new(ChatRole.Assistant, " ")]));
    }

    /// <summary>All that comes before the first answer.</summary>
    private static int[] Question(IExampleText text, IReadOnlyList<ChatMessage> messages) =>
        [.. text.Pieces(messages).TakeWhile(p => !p.IsAnswer).SelectMany(p => p.Tokens)];

    private static Dataset PlainText(string path, IExampleText text, int length, string? prompt)
    {
        string content;
        try
        {
            content = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException exception)
        {
            throw new UsageException($"{path}: not UTF-8 text: {exception.Message}");
        }

        // Neighbours share a token: the last that one predicts is the first that the next one sees.
        var tokens = text.Encode(content);
        var examples = new List<Example>();
        for (var begin = 0; begin + 1 < tokens.Length; begin += length)
        {
            var piece = tokens[begin..Math.Min(tokens.Length, begin + length + 1)];
            examples.Add(new(piece, [.. Enumerable.Repeat(1f, piece.Length)]));
        }

        return Dataset.Of(path, examples, i => prompt is null ? examples[i].Tokens[..Math.Min(PromptTokens, examples[i].Tokens.Length)] : text.Encode(prompt));
    }
}
