using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ling.FineTune.Tests;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Generation;

namespace Ling.Chat.Tests;

/// <summary>The program on a complete folder: config.json, weights, tokenizer, chat template and stop tokens.</summary>
public sealed class FolderTests : IDisposable
{
    // A template in its own words, with the marks that tell Ling's format.
    private const string Template =
        "{{ '<role>SYSTEM</role>detailed thinking ' + thinking + '<|role_end|>' }}{% for m in messages %}<role>HUMAN</role><role>ASSISTANT</role>{% endfor %}";

    private static readonly string[] Marks = ["<|endoftext|>", "<|role_end|>", "<role>", "</role>"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-chat-");

    public FolderTests()
    {
        using var model = LingTiny.Create(seed: 4);
        var path = Path.Combine(_folder.FullName, "model");
        model.SaveFolder(path, new() { Type = TensorType.Single });
        Write("tokenizer.json", TinyTokenizer.Json);
        Write("tokenizer_config.json", "{\"chat_template\": \"" + Template + "\"}");
        Write("generation_config.json", "{\"eos_token_id\": [256, 257]}");
    }

    private string Model => Path.Combine(_folder.FullName, "model");

    [Theory]
    [InlineData("off", null)]
    [InlineData("on", null)]
    [InlineData("on", "Sei höflich.")]
    public void Answers_are_what_the_model_says_to_the_text_of_the_chat_format(string think, string? system)
    {
        var expected = Answer($"<role>SYSTEM</role>{(system is null ? "" : system + "\n")}detailed thinking {think}<|role_end|>"
            + "<role>HUMAN</role>größer <role> as text<|role_end|><role>ASSISTANT</role>", "<role> as text", out var asked, out var count);
        string[] arguments = ["--model", Model, "--weights", "f32", "--temperature", "0", "--max-tokens", "60", "--threads", "1", "--think", think];
        var (exitCode, output, error) = ChatProcess.Run("", [.. arguments, "--prompt", "größer <role> as text", .. system is null ? Array.Empty<string>() : ["--system", system]]);
        Assert.Equal((0, expected + Environment.NewLine), (exitCode, output));
        Assert.Contains($"prefill {asked} tokens", error, StringComparison.Ordinal);
        Assert.Contains($"decode {count} tokens", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_comes_as_it_is_drawn_and_an_interrupted_answer_leaves_the_conversation_usable()
    {
        // No end of a text, so that only the interruption ends the first answer.
        Write("generation_config.json", "{}");
        using var process = ChatProcess.Start("--model", Model, "--max-tokens", "1000000", "--context", "1000000", "--threads", "1");
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write("go on\n");
        process.StandardInput.Flush();
        var first = new char[20];
        Assert.Equal(20, await process.StandardOutput.ReadBlockAsync(first));
        var output = process.StandardOutput.ReadToEndAsync();
        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        process.StandardInput.Write("/exit\n");
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "the program did not go on to its commands");
        Assert.Equal(0, process.ExitCode);
        Assert.DoesNotContain("<role>", new string(first) + await output, StringComparison.Ordinal);
        Assert.Contains("; stopped", await error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_of_another_format_is_refused_unless_forced()
    {
        Write("tokenizer_config.json", "{\"chat_template\": \"<|im_start|>user\"}");
        string[] arguments = ["--model", Model, "--prompt", "x", "--max-tokens", "3", "--threads", "1"];
        var (exitCode, _, error) = ChatProcess.Run("", arguments);
        Assert.Equal(1, exitCode);
        Assert.Contains("it lacks '<role>'", error, StringComparison.Ordinal);
        Assert.Equal(0, ChatProcess.Run("", [.. arguments, "--force-template"]).ExitCode);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, "model", name), text);

    // The tokens by hand: bytes are themselves, and marks are found except in what was said.
    private string Answer(string conversation, string said, out int asked, out int count)
    {
        var tokens = new List<int>();
        for (var at = 0; at < conversation.Length;)
        {
            var mark = conversation.AsSpan(at).StartsWith(said, StringComparison.Ordinal) ? -1
                : Array.FindIndex(Marks, m => string.CompareOrdinal(conversation, at, m, 0, m.Length) == 0);
            var length = mark >= 0 ? Marks[mark].Length : conversation.AsSpan(at).StartsWith(said, StringComparison.Ordinal) ? said.Length : 1;
            tokens.AddRange(mark >= 0 ? [256 + mark] : Encoding.UTF8.GetBytes(conversation.Substring(at, length)).Select(b => (int)b));
            at += length;
        }

        using var model = LingTiny.Load(Model);
        using var generator = model.CreateGenerator(4096);
        var answer = new int[60];
        (asked, count) = (tokens.Count, generator.Generate([.. tokens], answer, SamplingOptions.Greedy with { StopTokens = [256, 257] }));
        return Encoding.UTF8.GetString([.. answer[..count].Where(t => t < 256).Select(t => (byte)t)]);
    }
}
