using System.Text;
using Mdl.Runtime.Data;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Sample;

/// <summary>Lets the model continue a prompt and prints it byte by byte.</summary>
public static class Continuation
{
    private const string DocumentationPrompt = "Initializes a new instance of the ";
    private const int PromptBytes = 48;

    /// <summary>The prompt: the user's, or the start of the held-out text, or what .NET documentation often begins with.</summary>
    public static byte[] Prompt(RunOptions options, TextCorpus corpus) =>
        options.Prompt is { } prompt ? Encoding.UTF8.GetBytes(prompt)
        : options.Data is null ? Encoding.UTF8.GetBytes(DocumentationPrompt)
        : corpus.HeldOut[..Math.Min(PromptBytes, corpus.HeldOut.Length)].ToArray();

    /// <summary>Prints prompt and continuation, and returns both.</summary>
    public static string Print(LanguageModel model, byte[] prompt, int count, SamplingOptions sampling, Interruption interruption)
    {
        using var generator = model.CreateGenerator(prompt.Length + count);
        var text = new StringBuilder();
        // Bytes are tokens, so a character may be complete only some tokens later.
        var decoder = Encoding.UTF8.GetDecoder();
        var characters = new char[Math.Max(prompt.Length, 4)];
        Write(prompt, flush: false);
        foreach (var token in generator.Start([.. prompt.Select(b => (int)b)], sampling))
        {
            Write([(byte)token], flush: false);
            if (interruption.IsRequested)
            {
                break;
            }
        }

        Write([], flush: true);
        Console.WriteLine();
        return text.ToString();

        void Write(ReadOnlySpan<byte> bytes, bool flush)
        {
            var length = decoder.GetChars(bytes, characters, flush);
            text.Append(characters, 0, length);
            Console.Out.Write(characters, 0, length);
        }
    }
}
