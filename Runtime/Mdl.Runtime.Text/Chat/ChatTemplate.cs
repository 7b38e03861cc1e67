using System.Text.Json;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Chat;

/// <summary>
/// The chat format of Ling 2.0: <c>&lt;role&gt;SYSTEM&lt;/role&gt;</c>, the system text and a line feed if there is one, <c>detailed thinking on</c> or
/// <c>off</c>, <c>&lt;|role_end|&gt;</c>; then each message as <c>&lt;role&gt;HUMAN&lt;/role&gt;</c>, its text, <c>&lt;|role_end|&gt;</c>. The form follows the
/// published repository of the models; it was not compared byte by byte with the chat_template of a released folder.
/// </summary>
/// <param name="thinking">Whether the model is asked to think before it answers.</param>
public sealed class ChatTemplate(bool thinking = false)
{
    /// <summary>The name of the token that ends every message.</summary>
    public const string RoleEnd = "<|role_end|>";

    // What a Jinja template for this format cannot do without; it may put the parts together in its own way.
    private static readonly string[] Markers = ["<role>", "</role>", "SYSTEM", "HUMAN", "ASSISTANT", RoleEnd, "detailed thinking"];

    /// <summary>The template of a folder, after checking that tokenizer_config.json or chat_template.jinja does not declare another format.</summary>
    /// <param name="folder">A Hugging Face folder.</param>
    /// <param name="thinking">Whether the model is asked to think.</param>
    /// <param name="force">Use this format whatever the folder declares.</param>
    /// <exception cref="TokenizerException">The folder's chat template lacks marks of this format; the message names them.</exception>
    public static ChatTemplate Load(string folder, bool thinking = false, bool force = false)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!force && DeclaredTemplate(folder) is var (file, declared))
        {
            var missing = Markers.Where(m => !declared.Contains(m, StringComparison.Ordinal)).ToList();
            if (missing.Count > 0)
            {
                throw new TokenizerException(
                    $"{file}: the chat template is not the one of Ling 2.0 that this program knows: it lacks {string.Join(", ", missing.Select(m => $"'{m}'"))}.");
            }
        }

        return new ChatTemplate(thinking);
    }

    /// <summary>The text of a conversation in pieces: markup is to be parsed, what was said is not.</summary>
    /// <param name="messages">The conversation; a system message that comes first is part of the head.</param>
    /// <param name="openAnswer">End with the head of an answer, for the model to go on.</param>
    public IEnumerable<TextPart> Render(IReadOnlyList<ChatMessage> messages, bool openAnswer = true)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var system = messages.Count > 0 && messages[0].Role == ChatRole.System ? messages[0].Content : null;
        return [.. Head(system), .. messages.Skip(system is null ? 0 : 1).SelectMany(Message), .. openAnswer ? AnswerHead() : []];
    }

    /// <summary>The tokens of a conversation.</summary>
    /// <inheritdoc cref="Render"/>
    public int[] Encode(Tokenizer tokenizer, IReadOnlyList<ChatMessage> messages, bool openAnswer = true)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return tokenizer.Encode(Render(messages, openAnswer));
    }

    /// <summary>What begins a conversation.</summary>
    public IEnumerable<TextPart> Head(string? system) =>
    [
        Markup("<role>SYSTEM</role>"),
        .. system is null ? Array.Empty<TextPart>() : [Said(system), Markup("\n")],
        Markup(thinking ? "detailed thinking on" : "detailed thinking off"),
        Markup(RoleEnd),
    ];

    /// <summary>A message with its head and end.</summary>
    public static IEnumerable<TextPart> Message(ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return [Markup($"<role>{Name(message.Role)}</role>"), Said(message.Content), Markup(RoleEnd)];
    }

    /// <summary>What the model goes on from to answer.</summary>
    public static IEnumerable<TextPart> AnswerHead() => [Markup("<role>ASSISTANT</role>")];

    private static string Name(ChatRole role) => role switch
    {
        ChatRole.System => "SYSTEM",
        ChatRole.Human => "HUMAN",
        ChatRole.Assistant => "ASSISTANT",
        ChatRole.Observation => "OBSERVATION",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "not a role"),
    };

    private static TextPart Markup(string text) => new(text, SpecialTokens.Parse);

    private static TextPart Said(string text) => new(text, SpecialTokens.AsText);

    private static (string File, string Template)? DeclaredTemplate(string folder)
    {
        var jinja = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(jinja))
        {
            return (jinja, File.ReadAllText(jinja));
        }

        var config = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(config))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(config));
            return new JsonNodeReader(config, document.RootElement).OptionalText("chat_template") is { } template ? (config, template) : null;
        }
        catch (JsonException exception)
        {
            throw new TokenizerException($"{config}: not JSON: {exception.Message}", exception);
        }
    }
}
