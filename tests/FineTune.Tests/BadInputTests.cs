namespace Ling.FineTune.Tests;

/// <summary>What a user can get wrong is told in one line that says where and what was expected, and leaves no files.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Good = """{"messages":[{"role":"user","content":"one?"},{"role":"assistant","content":"two"}]}""";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-tune-");

    public static TheoryData<string, string> Options => new()
    {
        { "", "say --model FOLDER" },
        { "--random tiny", "say --data FILE" },
        { "--random tiny --model {root} --data {good}", "say either" },
        { "--random huge --data {good}", "huge" },
        { "--model {root}/nothing --data {good}", "there is no such folder" },
        { "--model {root} --data {good}", "config.json" },
        { "--random tiny --data {root}/nothing.jsonl", "there is no such file" },
        { "--random tiny --data {good} --lora 0", "--lora is 0; the rank must be from 1 to 32" },
        { "--random tiny --data {good} --lora x", "--lora is 'x'; it must be a whole number" },
        { "--random mini4 --data {good}", "--random mini4 needs --lora" },
        { "--random tiny --data {good} --weights int5", "int5" },
        { "--random tiny --data {good} --weights int8", "--weights other than f32 needs --lora" },
        { "--random tiny --data {good} --rate 0", "--rate is 0" },
        { "--random tiny --data {good} --rate NaN", "--rate is NaN" },
        { "--random tiny --data {good} --steps 0", "--steps is 0" },
        { "--random tiny --data {good} --batch 0", "--batch is 0" },
        { "--random tiny --data {good} --length 1", "--length is 1" },
        { "--random tiny --data {good} --length 4", "good.jsonl(1): the conversation has 9 tokens; with --length 4 it may have 5" },
        { "--random tiny --data {good} --out {good}", "it must be a folder" },
        { "--random tiny --data {good} --temperature -1", "temperature is -1" },
        { "--resume", "there is no checkpoint to resume from" },
    };

    public static TheoryData<string, string> Lines => new()
    {
        { "{", "(2): not JSON" },
        { "[]", "(2): it must be an object with a list \"messages\"" },
        { """{"text":"x"}""", "(2): it must be an object with a list \"messages\"" },
        { """{"messages":[]}""", "(2): it has no answer" },
        { """{"messages":[{"role":"user","content":"x"}]}""", "(2): it has no answer" },
        { """{"messages":[{"role":"boss","content":"x"}]}""", "(2): messages[0] has the role \"boss\"; roles are system, user, assistant, tool" },
        { """{"messages":[{"role":"user"}]}""", "(2): messages[0] must have a string \"content\"" },
        { """{"messages":["x"]}""", "(2): messages[0] must have a string \"role\"" },
        { """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":""}]}""", "(2): messages[1] is an empty answer" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void A_wrong_option_is_told(string arguments, string message)
    {
        var good = Path.Combine(_folder.FullName, "good.jsonl");
        File.WriteAllText(good, Good + "\n" + Good + "\n");
        Expect(message, arguments.Replace("{root}", _folder.FullName, StringComparison.Ordinal).Replace("{good}", good, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_wrong_line_is_told_with_its_number(string line, string message)
    {
        var path = Path.Combine(_folder.FullName, "data.jsonl");
        File.WriteAllText(path, Good + "\n" + line + "\n" + Good + "\n");
        Expect(message, "--random", "tiny", "--data", path);
    }

    [Fact]
    public void Too_little_data_is_told()
    {
        var path = Path.Combine(_folder.FullName, "data.jsonl");
        File.WriteAllText(path, "\n" + Good + "\n");
        Expect("it has one example to learn from; at least two are needed", "--random", "tiny", "--data", path);
        File.WriteAllText(path, "");
        Expect("it has nothing to learn from", "--random", "tiny", "--data", path);
    }

    [Fact]
    public void A_file_that_is_no_text_is_told()
    {
        var path = Path.Combine(_folder.FullName, "data.txt");
        File.WriteAllBytes(path, [0xff, 0xfe, 0x80, 0x81, 0x82]);
        Expect("not UTF-8 text", "--random", "tiny", "--data", path);
    }

    [Fact]
    public void A_folder_of_another_size_names_what_there_is()
    {
        var data = Path.Combine(_folder.FullName, "data.jsonl");
        File.WriteAllText(data, Good + "\n" + Good + "\n");
        File.WriteAllText(Path.Combine(_folder.FullName, "config.json"), """{"hidden_size": 7, "num_hidden_layers": 20}""");
        Expect("no preset has hidden_size 7 and num_hidden_layers 20; there are Tiny (64, 3), Nano (256, 4), Mini (2048, 20)", "--model", _folder.FullName, "--data", data);
        File.WriteAllText(Path.Combine(_folder.FullName, "config.json"), """{"hidden_size": 64, "num_hidden_layers": 3}""");
        Expect("does not fit model LingTiny", "--model", _folder.FullName, "--data", data);
        File.WriteAllText(Path.Combine(_folder.FullName, "tokenizer.json"), "{}");
        Expect("tokenizer.json", "--model", _folder.FullName, "--data", data);
    }

    [Fact]
    public void A_loss_that_is_no_number_ends_the_run()
    {
        var path = Path.Combine(_folder.FullName, "data.jsonl");
        File.WriteAllText(path, Good + "\n" + Good + "\n");
        Expect("Training diverged", "--random", "tiny", "--data", path, "--rate", "1e30", "--length", "8", "--batch", "1", "--steps", "30", "--quiet", "--max-tokens", "0");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Expect(string message, params string[] arguments)
    {
        var target = Path.Combine(_folder.FullName, "out");
        string[] given = arguments.Contains("--out") ? arguments : [.. arguments, "--out", target];
        var (exitCode, output, error) = FineTuneProcess.Run(given);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Empty(Directory.Exists(target) ? Directory.GetFiles(target, "*.safetensors") : []);
    }
}
