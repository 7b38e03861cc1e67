using System.Diagnostics;

namespace Ling.Chat.Tests;

public sealed class ChatTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-chat-");

    public static TheoryData<string, string> Mistakes => new()
    {
        { "", "say either --model FOLDER or --random" },
        { "--random huge", "huge" },
        { "--random tiny --model {root}", "say either" },
        { "--model {root}/nothing", "there is no such folder" },
        { "--model {root}", "config.json" },
        { "--random tiny --max-tokens 0", "--max-tokens is 0" },
        { "--random tiny --temperature -1", "temperature is -1" },
        { "--random tiny --top-k 1.5", "--top-k is '1.5'; it must be a whole number" },
        { "--random tiny --think maybe", "maybe" },
        { "--random tiny --weights int5", "int5" },
        { "--random tiny --context 8 --prompt 123456789", "--context is 8" },
        { "--random tiny --report", "--report tells errors against a checkpoint" },
        { "--random tiny --tokenizer {root}/nothing", "--tokenizer is" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_in_one_line(string arguments, string message)
    {
        string[] given = arguments.Replace("{root}", _folder.FullName, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (exitCode, output, error) = ChatProcess.Run("", given);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_folder_of_no_known_size_names_what_there_is()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "config.json"), """{"hidden_size": 7, "num_hidden_layers": 20}""");
        var (exitCode, _, error) = ChatProcess.Run("", "--model", _folder.FullName);
        Assert.Equal(1, exitCode);
        Assert.Contains("no preset has hidden_size 7 and num_hidden_layers 20; there are Nano (256, 4), Mini (2048, 20)", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_seeds_give_equal_answers()
    {
        string[] arguments = ["--random", "tiny", "--prompt", "größer", "--max-tokens", "30", "--threads", "1", "--seed"];
        var (exitCode, first, error) = ChatProcess.Run("", [.. arguments, "1"]);
        Assert.Equal(0, exitCode);
        Assert.Equal(first, ChatProcess.Run("", [.. arguments, "1"]).Output);
        Assert.NotEqual(first, ChatProcess.Run("", [.. arguments, "2"]).Output);
        Assert.Matches(@"prefill 9 tokens, [\d.]+ tokens/s; decode 30 tokens, [\d.]+ tokens/s; weights [\d.]+ MiB, cache and activations [\d.]+ MiB", error);
    }

    [Fact]
    public void Shorter_formats_take_less_memory()
    {
        double Weights(string format)
        {
            var (exitCode, _, error) = ChatProcess.Run("", "--random", "tiny", "--weights", format, "--prompt", "hello", "--max-tokens", "3", "--threads", "1");
            Assert.Equal(0, exitCode);
            return double.Parse(System.Text.RegularExpressions.Regex.Match(error, @"weights ([\d.]+) MiB").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        }

        var (full, half, quarter) = (Weights("f32"), Weights("bf16"), Weights("int8"));
        Assert.True(quarter < half && half < full, $"{quarter} < {half} < {full}");
    }

    [Fact]
    public void A_conversation_computes_only_what_is_new_and_forgets_on_request()
    {
        var (exitCode, _, error) = ChatProcess.Run(
            "question number one\n\nsecond\n/help\n/what\n/reset\nquestion number one\n/exit\nnot asked\n", "--random", "tiny", "--max-tokens", "12", "--threads", "1");
        Assert.Equal(0, exitCode);
        var computed = error.Split('\n').Where(l => l.StartsWith("prefill", StringComparison.Ordinal)).Select(l => int.Parse(l.Split(' ')[1])).ToList();

        // "question number one" and a line feed are 20 bytes. The second turn adds the last token drawn, the end of the answer, and 7 bytes. After
        // forgetting, the same question is in the cache but for its last token, which gives the logits.
        Assert.Equal([20, 9, 1], computed);
        Assert.Equal(3, error.Split("/reset forgets").Length - 1);
        Assert.Contains("no command /what", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupting_stops_the_answer_and_not_the_program()
    {
        using var process = ChatProcess.Start("--random", "tiny", "--max-tokens", "1000000", "--context", "1000000", "--threads", "1");
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write("go on\n");
        process.StandardInput.Flush();
        Assert.NotEqual(-1, process.StandardOutput.Read());
        var output = process.StandardOutput.ReadToEndAsync();
        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        process.StandardInput.Write("/nothing\n/exit\n");
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "the program did not go on to its commands");
        Assert.Equal(0, process.ExitCode);
        var notes = await error;
        await output;
        Assert.Contains("; stopped", notes, StringComparison.Ordinal);
        Assert.Contains("no command /nothing", notes, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
